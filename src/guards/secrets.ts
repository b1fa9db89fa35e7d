import { LIMITS } from '../core/limits.ts';
import { findExact } from './secretsExact.ts';
import { ASSIGNMENT, HEADER, JSON_WEB_TOKEN, PRIVATE_KEY, SHAPES, URL_PASSWORD } from './secretsShapes.ts';
import { mergeSpans, type Span, withoutEscapes } from './spans.ts';

/**
 * Where a text holds secrets: keys and tokens of known shape, private keys, passwords in addresses, headers, values that
 * the text itself calls secret, and `exact` values in whatever common writing. Values too short to be told from words are left.
 */
export function findSecrets(text: string, exact: readonly string[] = []): readonly Span[] {
  const plain = withoutEscapes(text);
  return mergeSpans([
    ...findExact(text, exact),
    ...SHAPES.flatMap((shape) => spansOf(plain, shape, isVaried)),
    ...spansOf(plain, JSON_WEB_TOKEN),
    ...spansOf(text, PRIVATE_KEY),
    ...spansOf(plain, URL_PASSWORD, (password) => !isPlaceholder(password)),
    ...spansOf(plain, HEADER, (value) => isRandom(value) && !isPlaceholder(value)),
    ...findAssignments(plain),
  ]);
}

/** Each match, or its first group if it has one. */
function spansOf(
  text: string,
  shape: RegExp,
  holds: (found: string) => boolean = () => true,
): readonly Span[] {
  return [...text.matchAll(shape)].flatMap((match): Span[] => {
    const found = match[1] ?? match[0];
    if (!holds(found)) return [];
    const start = match.index + match[0].lastIndexOf(found);
    return [{ type: 'secret', start, end: start + found.length }];
  });
}

/**
 * `sk-this-is-how-a-key-looks` and `key-000…` are examples: a key has digits or capitals, and is not one character many
 * times. Of keys in capitals alone one in thirty has no digit.
 */
function isVaried(found: string): boolean {
  return /\d|[a-z][A-Z]|^[A-Z]{16,}$/.test(found) && new Set(found).size >= 6;
}

/** Long enough and mixed: no word, no number, no name of a variable. */
function isRandom(value: string): boolean {
  if (value.length < 12 || /^[\d.,:-]+$/.test(value)) return false;
  if (!/\d/.test(value)) return isScrambled(value);
  const kinds = [/\d/, /[a-z]/, /[A-Z]/].filter((kind) => kind.test(value)).length;
  return kinds >= 2 && bitsPerCharacter(value) >= 3;
}

/** Letters whose case changes far more often, and less evenly, than in `camelCaseNames`: a value without a digit. */
function isScrambled(value: string): boolean {
  const changes = value.match(/(?<=[a-z])[A-Z]|(?<=[A-Z])[a-z]/g)?.length ?? 0;
  return value.length >= 16 && changes >= 0.3 * value.length && /[A-Z]{2}/.test(value);
}

/** Entropy of the characters of a value, in bits; random hexadecimal digits have nearly 4. */
function bitsPerCharacter(value: string): number {
  const counts = new Map<string, number>();
  for (const unit of value) counts.set(unit, (counts.get(unit) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}

/** What stands where a secret would: nothing, a variable, stars, a marker of ours, a type. */
function isPlaceholder(value: string): boolean {
  return (
    /^[[{$<%(]|^[\w.]+\(/.test(value) ||
    /^(?:null|none|nil|undefined|true|false|yes|no|string|number|boolean|object|required|optional|redacted|hidden|masked|changeme|example|your[-_ ].*|process\.env.*|os\.environ.*)[,;.)\]}]*$/i.test(
      value,
    ) ||
    /^(.)\1*[,;.]?$/.test(value)
  );
}

function findAssignments(text: string): readonly Span[] {
  return [...text.matchAll(ASSIGNMENT)].flatMap((match): Span[] => {
    const {
      key = '',
      more = '',
      sign = '',
      closed,
      slashes = '',
      quote,
      value: raw = '',
    } = match.groups ?? {};
    const start = match.index + match[0].length - raw.length;
    const isMember = closed !== undefined || sign === '=';
    const value =
      quote === undefined
        ? raw.replace(/[,;)\]}.]+$/, '')
        : ((isMember ? quoted(text, start, slashes + quote) : null) ?? raw.replace(/\\+$/, ''));
    if (!isSecretValue(key.toLowerCase(), more, sign, value)) return [];
    return [{ type: 'secret', start, end: start + value.length }];
  });
}

/** Up to the quotation mark that has no more backslashes before it than the one that opened, or null. */
function quoted(text: string, start: number, mark: string): string | null {
  const rest = text.slice(start, start + LIMITS.quotedSecretChars);
  for (let at = rest.indexOf(mark); at >= 0; at = rest.indexOf(mark, at + 1))
    if (rest[at - 1] !== '\\') return rest.slice(0, at);
  return null;
}

/** Passwords may be short; of the rest only what looks random counts, since `token: next` is everywhere. */
function isSecretValue(key: string, more: string, sign: string, value: string): boolean {
  if (isPlaceholder(value) || /^s$|count|_?limit|length|usage|_?type|_?name|_?url|_?file|_?path/i.test(more))
    return false;
  if (!/^(?:pass|pwd|contrase|mot|senha)/.test(key)) return isRandom(value);
  const kinds = [/\d/, /[A-Z]/, /[a-z]/, /[^A-Za-z0-9]/].filter((kind) => kind.test(value)).length;
  if (/^is/.test(sign) || sign === ':')
    return value.length >= 6 && kinds >= 2 && (/\d|[^A-Za-z0-9'’.,:-]/.test(value) || isScrambled(value));
  return value.length >= 4 && (value.length >= LIMITS.secretMinChars || kinds >= 2);
}
