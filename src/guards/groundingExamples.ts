import type { Mention } from './mentions.ts';

const AROUND_CHARS = 160;
/** Right before an example. */
const ANNOUNCED =
  /(?:\be\.? ?g\b\.?|\bfor (?:example|instance)|\bsuch as|\blike|\bexamples?|\bsample|\bformat(?:ted)?|\bpattern|\bplaceholder|\bz\. ?B\.|\bzum Beispiel|\bpar exemple|\bpor ejemplo|\bad esempio)(?: (?:as|is|this|it|the|in|of)){0,2}[\s:,;("'“”‘’«*`-]{0,6}$/i;
/** A sentence that asks for something, or says how it looks. */
const ASKING =
  /\?\s*["'*)]*$|\b(?:provide|share|send|give|tell|enter|type|supply|include|confirm|need|find it|format|looks?|starts? with|begins? with|digits? long)\b/i;
/** 0000000, 1234567, 9876543, 1111: digits that nobody's number has. */
const RUNS = '01234567890123456789 98765432109876543210';

/** Whether the answer shows how such a thing looks, where it asks for one or announces an example. */
export function isExample(mention: Mention, answer: string): boolean {
  if (mention.kind === 'amount' || mention.kind === 'ending') return false;
  const before = answer.slice(Math.max(0, mention.start - AROUND_CHARS), mention.start);
  if (!ANNOUNCED.test(before)) return false;
  if (isPlaceholder(mention)) return true;
  const after = answer.slice(mention.end, mention.end + AROUND_CHARS);
  return ASKING.test(`${lastSentence(before)}${mention.text}${firstSentence(after)}`);
}

function isPlaceholder({ kind, value }: Mention): boolean {
  if (kind === 'mail' || kind === 'link')
    return /(?:^|[@.])example(?:\.(?:com|org|net))?(?:\/|$)/.test(value);
  const digits = value.replace(/\D/g, '');
  return digits.length >= 3 && (/^(\d)\1+$/.test(digits) || RUNS.includes(digits));
}

function lastSentence(text: string): string {
  return text.split(/[!?\n]|\.\s+(?=[A-Z])/).at(-1) ?? '';
}

function firstSentence(text: string): string {
  return /^[^.!?\n]*[.!?]?/.exec(text)?.[0] ?? '';
}
