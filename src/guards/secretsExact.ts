import { LIMITS } from '../core/limits.ts';
import { wellFormed } from '../core/text.ts';
import type { Span } from './spans.ts';

/** Forms of the values, by the list that they came in: a worker asks with the same list all its life. */
const KNOWN_FORMS = new WeakMap<readonly string[], readonly string[]>();

/** Every place of an exact value, also where it is written in base64, in hexadecimal, escaped for JSON or an address. */
export function findExact(text: string, exact: readonly string[]): readonly Span[] {
  const found: Span[] = [];
  for (const form of formsOfAll(exact))
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + form.length))
      found.push({ type: 'secret', start: at, end: at + form.length });
  return found;
}

function formsOfAll(exact: readonly string[]): readonly string[] {
  const known = KNOWN_FORMS.get(exact);
  if (known !== undefined) return known;
  const values = exact.filter((value) => value.length >= LIMITS.secretMinChars).slice(0, LIMITS.exactSecrets);
  const forms = [...new Set(values.flatMap(formsOf))].filter((form) => form.length >= LIMITS.secretMinChars);
  KNOWN_FORMS.set(exact, forms);
  return forms;
}

function formsOf(whole: string): readonly string[] {
  const value = whole.slice(0, LIMITS.secretMaxChars);
  const json = JSON.stringify(value).slice(1, -1);
  const url = encodeURIComponent(wellFormed(value));
  const hex = Buffer.from(value, 'utf8').toString('hex');
  const base64 = [0, 1, 2].map((shift) => base64Within(value, shift));
  return [
    value,
    json,
    JSON.stringify(json).slice(1, -1),
    url,
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    url.replace(/%20/g, '+'),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((form) => form.replace(/\+/g, '-').replace(/\//g, '_')),
  ];
}

/**
 * What all base64 texts share in which the value begins `shift` bytes after a group of three, such as that of
 * `user:password`: without the characters at either end that its neighbours have a say in.
 */
function base64Within(value: string, shift: number): string {
  const bytes = Buffer.from(value, 'utf8');
  const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const from = Math.ceil((shift * 8) / 6);
  const to = Math.floor(((shift + bytes.length) * 8) / 6);
  return encoded.slice(from, to);
}
