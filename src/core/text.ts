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
