import { bit } from './ideas.ts';
import { FLAGS } from './normal.ts';
import type { Reading, Span } from './passages.ts';

/** Every signal there is. What a guard writes down names these and never quotes the text. */
export const INJECTION_SIGNALS = [
  'override_instructions',
  'new_task',
  'role_change',
  'system_prompt_probe',
  'fake_turn_markup',
  'planted_context',
  'exfiltration',
  'forced_output',
  'unrestricted_mode',
  'encoded_payload',
  'hidden_text',
  'urgency_authority',
  'shouting',
  'padding',
  'instructions_in_data',
  'learned_pattern',
] as const;

export type InjectionSignal = (typeof INJECTION_SIGNALS)[number];

/** Signals that suffice alone: nobody says these by accident. The others weigh in the learned score. */
export const SUFFICIENT: ReadonlySet<InjectionSignal> = new Set([
  'override_instructions',
  'fake_turn_markup',
  'encoded_payload',
  'hidden_text',
]);

const DROP = bit('drop');
const ORDERS = bit('orders');
const PRIOR = bit('prior');
const ALL = bit('all');
const YOU = bit('you');
const POINTING = PRIOR | ALL | YOU;
const TELLING = bit('own', 'not');
const PERSONAL = bit('own', 'mine');
const ASK = bit('ask');
const SHOW = bit('show');
const PROMPT = bit('prompt');
const ROLE = bit('role');
const NOW = bit('now');
const PRAISE = bit('praise');
const FRESH = bit('fresh');
const UNBOUND = bit('unbound');
const MODEL = bit('model');
const SEND = bit('send');
const SECRET = bit('secret');
const AUTHORITY = bit('authority');
const ONLY = bit('only');
const SOURCE = bit('source');

const TRIGGERS = DROP | FRESH | SHOW | SEND | ROLE | AUTHORITY;

/** What the ideas of one span, and their places, amount to. */
export function signalsOf(reading: Reading, span: Span): readonly InjectionSignal[] {
  let found: Set<InjectionSignal> | null = null;
  const add = (signal: InjectionSignal) => {
    found ??= new Set();
    found.add(signal);
  };
  const first = reading.ideas[span.from] ?? 0;
  for (let at = span.from; at < span.to; at++) {
    const here = reading.ideas[at] ?? 0;
    if ((here & TRIGGERS) === 0) continue;
    const near = (first: number, last: number) => around(reading, span, at + first, at + last);
    if (here & DROP && overrides(here, near, { wordsLeft: span.to - at, asks: (first & ASK) !== 0 }))
      add('override_instructions');
    if (here & FRESH && near(1, 2) & ORDERS && (near(1, 6) & YOU || !(near(-4, -1) & PERSONAL)))
      add('new_task');
    if (here & SHOW && probes(near(1, 6))) add('system_prompt_probe');
    if (here & SHOW && near(-2, -1) & ONLY) add('forced_output');
    if (here & SEND && near(1, 10) & SECRET) add('exfiltration');
    if (here & ROLE && near(1, 8) & (MODEL | UNBOUND)) add('unrestricted_mode');
    if (here & ROLE && near(-4, 3) & YOU && near(-6, 6) & NOW) add('role_change');
    if (here & AUTHORITY && near(-3, 6) & (YOU | ORDERS) && near(-3, 6) & (DROP | ONLY))
      add('urgency_authority');
  }
  if (assignsRole(reading, span)) add('role_change');
  return found === null ? NONE : [...found];
}

const NONE: readonly InjectionSignal[] = [];

type Near = (first: number, last: number) => number;

function around({ ideas }: Reading, span: Span, first: number, last: number): number {
  let bits = 0;
  for (let at = Math.max(span.from, first); at <= last && at < span.to; at++) bits |= ideas[at] ?? 0;
  return bits;
}

interface Place {
  readonly wordsLeft: number;
  /** The sentence begins as a question. */
  readonly asks: boolean;
}

/** "Ignore the instructions above", not "why do people ignore all rules" or "do not ignore the rules". */
function overrides(here: number, near: Near, { wordsLeft, asks }: Place): boolean {
  if (near(-2, -1) & TELLING || here & TELLING) return false;
  const after = near(1, 8);
  if (after & ORDERS && after & (asks ? PRIOR | YOU : POINTING)) return true;
  if (near(1, 3) & ALL && near(1, 4) & (PRIOR | SOURCE)) return true;
  // Languages that put the verb last.
  const before = near(-6, -1);
  return wordsLeft <= 2 && (before & ORDERS) !== 0 && (before & (PRIOR | ALL)) !== 0;
}

/** To show the prompt, the instructions, what stands above. */
function probes(after: number): boolean {
  return (after & (PROMPT | ORDERS)) !== 0 && (after & (PROMPT | PRIOR)) !== 0 && (after & POINTING) !== 0;
}

const COPULA = new Set('are re bist sind eres es etes sei siete bent jestes si'.split(' '));
/** What people tell an assistant that it is. */
const PLEASANT = new Set(
  'welcome right wrong great so very not the nicht sehr toll amazing awesome helpful kind'.split(' '),
);

/** A sentence that begins by telling the reader who it is; only words such as "now" may come before. */
function assignsRole({ words, ideas }: Reading, { from, to }: Span): boolean {
  for (let at = from; at < Math.min(from + 5, to - 2); at++) {
    const here = ideas[at] ?? 0;
    if (here & YOU && COPULA.has(words[at + 1] ?? '')) return !PLEASANT.has(words[at + 2] ?? '');
    if (/^you['’]re$/.test(words[at] ?? '')) return !PLEASANT.has(words[at + 1] ?? '');
    if (at > from && COPULA.has(words[at] ?? '')) return true;
    if (!(here & (NOW | PRAISE)) && words[at] !== 'from' && words[at] !== 'on') return false;
  }
  return false;
}

/** What shows only in the text as it was sent: markup of turns, capitals, what no font draws. */
export function markupSignals(text: string): readonly InjectionSignal[] {
  const found: InjectionSignal[] = [];
  if (TURN_MARKUP.test(text)) found.push('fake_turn_markup');
  if (PLANTED.test(text)) found.push('planted_context');
  if (SHOUTING.test(text) && LOWER.test(text)) found.push('shouting');
  if (PADDING.test(text)) found.push('padding');
  if (HIDDEN.test(text.replace(FLAGS, ''))) found.push('hidden_text');
  if (SPELT.test(text)) found.push('encoded_payload');
  return found;
}

const TURN_MARKUP =
  /<\|[a-z_]{2,20}\|>|\[\/?(?:INST|SYS)\]|<<\/?SYS>>|<\/?(?:system|assistant|human|tool_result|tool_use|function_results?|function_calls)>|\n\nHuman: |\n\nAssistant: /i;
const PLANTED =
  /(?:^|[\s$?.!])\$?(?:context|kontext|contexto|contexte|documents?|dokumente?|instructions?|anweisung(?:en)?|input|output|eingabe|ausgabe|question|frage)\s{0,3}[:"{](?!\/)|<\/?(?:information|important|instructions?|note|admin)>|(?:^|\n)#{1,4} ?(?:system|instructions?|assistant|response)\b/i;
const SHOUTING = /(?:\p{Lu}{2,30}[ ,!']{1,2}){4}\p{Lu}{2}/u;
const LOWER = /\p{Ll}{3}/u;
const PADDING = /\n(?:[ \t\r]{0,9}\n){7}|(?:\\ ?n\s{0,3}){3}|[ \t]{30}/;
/** Characters of the tag block, direction overrides, and runs of characters without width. */
const HIDDEN = /[\u{e0020}-\u{e007e}]{4}|[\u202d\u202e]|[\u200b\u2060\u2062-\u2064\ufeff]{3}/u;
/** More letters in a row than anybody spells of a name. */
const SPELT = /(?<![\p{L}\p{N}])\p{L}(?:[ \t._*|-]{1,3}\p{L}(?![\p{L}\p{N}])){15}/u;
