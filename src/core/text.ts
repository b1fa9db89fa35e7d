/** Length in UTF-8 bytes, without an encoder, so that it also runs inside a workflow. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && isLow(text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** Replaces lone surrogates by U+FFFD and drops NUL: what PostgreSQL and the API would refuse. */
export function wellFormed(text: string): string {
  let clean = '';
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00 && isLow(text.charCodeAt(i + 1))) {
      i++;
      continue;
    }
    const lone = unit >= 0xd800 && unit < 0xe000;
    if (!lone && unit !== 0) continue;
    clean += text.slice(from, i) + (lone ? '\ufffd' : '');
    from = i + 1;
  }
  return from === 0 ? text : clean + text.slice(from);
}

/** The longest prefix of at most `maxBytes` UTF-8 bytes that does not cut a character in two. */
export function clipBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const pair = unit >= 0xd800 && unit < 0xdc00 && isLow(text.charCodeAt(i + 1));
    bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : pair ? 4 : 3;
    if (bytes > maxBytes) return text.slice(0, i);
    if (pair) i++;
  }
  return text;
}

/** One well-formed line of at most `maxChars` (1 or more), for summaries and cards. */
export function oneLine(text: string, maxChars: number): string {
  const line = wellFormed(text).replace(/\s+/g, ' ').trim();
  return line.length <= maxChars
    ? line
    : `${wellFormed(line.slice(0, maxChars - 1)).replace(/\ufffd$/, '')}…`;
}

/** A value as an error names it: JSON where it is JSON, at most 80 characters. Never throws. */
export function shown(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : jsonOf(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return `a ${typeof value} that is not JSON`;
  }
}

/**
 * Code points that leave no mark of their own on a screen, or change the order of what stands around them: controls,
 * joiners, bidirectional marks, blanks that are no white space, variation selectors, tags. A list of our own, since
 * what a pattern means by Unicode property changes with the version of Node. Ascending.
 */
const HIDDEN: Ranges = [
  [0x00, 0x08],
  [0x0e, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x600, 0x605],
  [0x61c, 0x61c],
  [0x6dd, 0x6dd],
  [0x70f, 0x70f],
  [0x890, 0x891],
  [0x8e2, 0x8e2],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x2800, 0x2800],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x110bd, 0x110bd],
  [0x110cd, 0x110cd],
  [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];

type Ranges = readonly (readonly [first: number, last: number])[];

function isIn(ranges: Ranges, code: number): boolean {
  for (const [first, last] of ranges) {
    if (code < first) return false;
    if (code <= last) return true;
  }
  return false;
}

/**
 * The text with everything hidden in it named, for people who decide by what they see: `pay[U+200B +2]pal` where
 * three characters that nobody sees stood. White space and letters of every script stay as they are.
 */
export function visible(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  let shown = '';
  let hidden: number[] = [];
  const tell = () => {
    const [first, ...more] = hidden;
    if (first === undefined) return;
    const name = first.toString(16).toUpperCase().padStart(4, '0');
    shown += `[U+${name}${more.length > 0 ? ` +${more.length}` : ''}]`;
    hidden = [];
  };
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (isIn(HIDDEN, code)) hidden.push(code);
    else {
      tell();
      shown += character;
    }
  }
  tell();
  return shown;
}

/**
 * Controls and marks of format, but for line breaks, tabs and joiners. Of those above, blanks, fillers and variation
 * selectors are none: a terminal does nothing but draw them. Ascending.
 */
const STEERING: Ranges = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x600, 0x605],
  [0x61c, 0x61c],
  [0x6dd, 0x6dd],
  [0x70f, 0x70f],
  [0x890, 0x891],
  [0x8e2, 0x8e2],
  [0x180e, 0x180e],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x2064],
  [0x2066, 0x206f],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0x110bd, 0x110bd],
  [0x110cd, 0x110cd],
  [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0001, 0xe0001],
  [0xe0020, 0xe007f],
];

/**
 * A copy in which no text can steer a terminal: what customers and models wrote is shown to people who decide by it, and
 * must not move the cursor, hide itself or run backwards. Line breaks, tabs and joined emoji stay.
 */
export function printable<Value>(value: Value): Value {
  return steersNothing(value) as Value;
}

function steersNothing(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replace(/[^ -~\n]/gu, (mark) =>
      isIn(STEERING, mark.codePointAt(0) ?? 0) ? '\ufffd' : mark,
    );
  if (Array.isArray(value)) return value.map(steersNothing);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [String(steersNothing(key)), steersNothing(member)]),
  );
}
