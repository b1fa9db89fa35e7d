import { LIMITS } from '../core/limits.ts';
import { LEET, LETTER_RUNS, LOOKALIKES } from './lookalikes.ts';

/**
 * The form of a text in which patterns are looked for. For matching only: it is never shown, stored or sent, because
 * it loses marks, case and spelling. Nothing here knows a language.
 */
export function normalise(text: string): string {
  const plain = PLAIN.test(text) ? text.toLowerCase() : foldLetters(text);
  return unleet(plain).replace(SPACES, ' ').trim();
}

/** Printable ASCII and line ends: nothing to fold. */
const PLAIN = /^[\t\n\r -~]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const SPACES = /[\s\u0000-\u001f\u007f-\u009f]+/g;
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;
const MARKS = /[\u0300-\u036f]/g;
const LATIN = /[a-z]/;
/** Neither Latin nor a sign of the first blocks. */
const FOREIGN = /[\u0250-\u1dff\u1f00-\uffff]/;

function foldLetters(text: string): string {
  const lower = text
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .replace(/[\u{1f150}-\u{1f189}\u{1f1e6}-\u{1f1ff}]/gu, letterOfRun)
    .toLowerCase()
    .normalize('NFD')
    .replace(MARKS, '')
    .normalize('NFC');
  if (!FOREIGN.test(lower)) return lower.replace(/[øđłħŧıß]/g, (one) => LOOKALIKES.get(one) ?? 'ss');
  return MIXED.test(lower) ? lower.replace(/[\p{L}\p{M}]+/gu, foldWord) : lower;
}

function letterOfRun(letter: string): string {
  const point = letter.codePointAt(0) ?? 0;
  const start = LETTER_RUNS.findLast((first) => first <= point) ?? point;
  return String.fromCharCode(97 + ((point - start) % 26));
}

/** A word is folded if it mixes scripts, or if look-alikes are all it has: no language is written with these alone. */
function foldWord(word: string): string {
  if (!FOREIGN.test(word) && LATIN.test(word)) return word;
  const folded = [...word].map((letter) => LOOKALIKES.get(letter) ?? letter).join('');
  return LATIN.test(word) || SMALL_CAPITALS.test(word) ? folded : word;
}

/** Letters of two scripts side by side, or letters that no language is written with. */
const MIXED =
  /[a-z][\u0370-\u058f\u1d00-\u1dbf\ua730-\ua7ff]|[\u0370-\u058f\u1d00-\u1dbf\ua730-\ua7ff][a-z]|[\u1d00-\u1d2b]/;
const SMALL_CAPITALS = /[ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ]/;

/**
 * Digits become letters only where letters surround them and are the majority, so that order numbers, amounts, account
 * numbers and names such as covid19 stay what they are.
 */
function unleet(text: string): string {
  if (!/[013457@$]/.test(text)) return text;
  return text.replace(/[a-z0-9@$]{3,24}/g, (word) => {
    if (!/[a-z][013457@$]+[a-z]|^[013457@$][a-z]{2}/.test(word)) return word;
    const letters = word.replace(/[^a-z]/g, '').length;
    if (letters * 2 < word.length || /[2689]/.test(word)) return word;
    return word.replace(/[013457@$]/g, (sign) => LEET[sign] ?? sign);
  });
}

/**
 * What the text says to a reader who decodes it: base64, hexadecimal, percent and character escapes, rot13, words
 * spelt backwards, hidden tag characters and spaced-out letters. Decoded once; at most `decodedForms` forms of
 * `decodedChars` characters each, and only those that read like text.
 */
export function decodedForms(text: string): readonly string[] {
  const forms: string[] = [];
  const add = (form: string | null) => {
    if (form === null || forms.length >= LIMITS.decodedForms) return;
    const bounded = form.slice(0, LIMITS.decodedChars);
    if (readable(bounded)) forms.push(bounded);
  };
  add(tagCharacters(text));
  add(spacedLetters(text));
  for (const [segment] of few(text.matchAll(/[A-Za-z0-9+/_-]{16,}={0,2}/g))) {
    add(fromBase64(segment));
  }
  for (const [segment] of few(text.matchAll(/(?:[0-9a-f]{2}[ :,]?){8,}/gi))) {
    add(fromBytes(Buffer.from(segment.replace(/[^0-9a-f]/gi, ''), 'hex')));
  }
  if (text.includes('%')) add(unescaped(text, /%([0-9a-f]{2})/gi));
  if (text.includes('\\')) add(unescaped(text, /\\(?:x|u00|u\{)([0-9a-f]{2})\}?/gi));
  if (text.includes('&#')) add(unescapedEntities(text));
  const head = text.slice(0, LIMITS.decodedChars);
  if (clearly(head, COMMON_ROT13)) add(rot13(head));
  if (clearly(head, COMMON_BACKWARDS)) add([...head].reverse().join(''));
  return forms;
}

function* few<T>(matches: Iterable<T>): Iterable<T> {
  let left = LIMITS.decodedSegments;
  for (const match of matches) {
    if (left-- === 0) return;
    yield match;
  }
}

/** Mostly letters and spaces: random bytes that happen to be valid are not. */
function readable(text: string): boolean {
  if (text.length < 6) return false;
  const letters = text.replace(/[^\p{L}\s]/gu, '').length;
  return letters >= text.length * 0.75;
}

function fromBase64(segment: string): string | null {
  return fromBytes(Buffer.from(segment.slice(0, LIMITS.decodedChars * 2), 'base64'));
}

function fromBytes(bytes: Buffer): string | null {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? null : text;
}

function unescaped(text: string, pattern: RegExp): string | null {
  let found = 0;
  const plain = text.slice(0, LIMITS.decodedChars * 3).replace(pattern, (_, hex: string) => {
    found++;
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
  return found >= 3 ? plain : null;
}

function unescapedEntities(text: string): string | null {
  let found = 0;
  const plain = text.slice(0, LIMITS.decodedChars * 6).replace(/&#(x?)([0-9a-f]{1,6});/gi, (_, x, digits) => {
    const point = Number.parseInt(digits, x ? 16 : 10);
    found++;
    return point > 31 && point < 0xd800 ? String.fromCharCode(point) : ' ';
  });
  return found >= 3 ? plain : null;
}

/** Characters of the tag block repeat ASCII and are drawn by no font. */
function tagCharacters(text: string): string | null {
  const hidden =
    text
      .replace(FLAGS, '')
      .match(/[\u{e0020}-\u{e007e}]/gu)
      ?.slice(0, LIMITS.decodedChars) ?? [];
  return hidden.length < 6
    ? null
    : hidden.map((one) => String.fromCharCode((one.codePointAt(0) ?? 0) & 0x7f)).join('');
}

/** Flags of regions are written with characters of the tag block. */
export const FLAGS = /\u{1f3f4}[\u{e0020}-\u{e007f}]{1,8}/gu;

const SPACED = /(?<![\p{L}\p{N}])\p{L}(?:[ \t._*|-]{1,3}\p{L}(?![\p{L}\p{N}])){7,}/gu;

/** `i g n o r e   t h i s` and `i-g-n-o-r-e` read as words; a wider gap parts them. */
function spacedLetters(text: string): string | null {
  const runs = [...few(text.matchAll(SPACED))].map(([run]) =>
    run
      .replace(/[ \t._*|-]{2,3}/g, '\u0000')
      .replace(/[ \t._*|-]/g, '')
      .replaceAll('\u0000', ' '),
  );
  return runs.length === 0 ? null : runs.join(' ');
}

function rot13(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= 'Z' ? 65 : 97;
    return String.fromCharCode(base + ((letter.charCodeAt(0) - base + 13) % 26));
  });
}

const COMMON_WORDS =
  'the and you your all to of is in with for this that now not are instructions ignore previous system prompt password write tell say show';
const COMMON = anyOf(COMMON_WORDS);
const COMMON_ROT13 = anyOf(rot13(COMMON_WORDS));
const COMMON_BACKWARDS = anyOf([...COMMON_WORDS].reverse().join(''));

function anyOf(words: string): RegExp {
  return new RegExp(`\\b(?:${words.replaceAll(' ', '|')})\\b`, 'gi');
}

/** Has clearly more of the commonest words in their other form than as they are. */
function clearly(text: string, other: RegExp): boolean {
  const found = text.match(other)?.length ?? 0;
  return found >= 3 && found > 2 * (text.match(COMMON)?.length ?? 0);
}
