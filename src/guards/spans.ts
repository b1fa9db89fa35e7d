/** What may stand in a text and must not be seen by everybody. The names are the markers that people read. */
export const SPAN_TYPES = [
  'secret',
  'iban',
  'card',
  'ssn',
  'mail',
  'ip',
  'phone',
  'address',
  'name',
] as const;

export type SpanType = (typeof SPAN_TYPES)[number];

/** A part of a text: `end` is exclusive, both are UTF-16 indices. */
export interface Span {
  readonly type: SpanType;
  readonly start: number;
  readonly end: number;
}

/**
 * The same characters, each in one span at most: sorted, not overlapping, spans of one type that overlap or touch made
 * one. Where types overlap, the one that `SPAN_TYPES` names first keeps the characters, and the other what is left.
 */
export function mergeSpans(spans: readonly Span[]): readonly Span[] {
  return SPAN_TYPES.reduce<readonly Span[]>((taken, type) => {
    const same = joined(spans.filter((span) => span.type === type && span.start < span.end));
    return same.length === 0 ? taken : between(taken, withoutTaken(same, taken));
  }, []);
}

function joined(spans: readonly Span[]): readonly Span[] {
  const sorted = [...spans].sort((one, other) => one.start - other.start);
  const result: Span[] = [];
  for (const span of sorted) {
    const last = result.at(-1);
    if (last === undefined || span.start > last.end) result.push(span);
    else if (span.end > last.end) result[result.length - 1] = { ...last, end: span.end };
  }
  return result;
}

/** What of `spans` no span of `taken` covers. Both sorted and free of overlaps. */
function withoutTaken(spans: readonly Span[], taken: readonly Span[]): readonly Span[] {
  const result: Span[] = [];
  let next = 0;
  for (const { type, start, end } of spans) {
    let from = start;
    while (next < taken.length && (taken[next]?.end ?? 0) <= from) next++;
    for (let i = next; i < taken.length; i++) {
      const other = taken[i];
      if (other === undefined || other.start >= end) break;
      if (other.start > from) result.push({ type, start: from, end: other.start });
      from = Math.max(from, other.end);
    }
    if (from < end) result.push({ type, start: from, end });
  }
  return result;
}

function between(one: readonly Span[], other: readonly Span[]): readonly Span[] {
  return [...one, ...other].sort((left, right) => left.start - right.start);
}

/** The text with each span replaced by its marker, such as `[mail]`. Spans of any order, overlapping or not. */
export function mask(text: string, spans: readonly Span[]): string {
  let masked = '';
  let from = 0;
  for (const { type, start, end } of mergeSpans(spans)) {
    masked += `${text.slice(from, start)}[${type}]`;
    from = end;
  }
  return masked + text.slice(from);
}

/**
 * Texts are often JSON, or JSON within JSON: an escaped break is a break there too, and no letter of the word behind
 * it. The result has the same length, so that spans in it are spans in the text.
 */
export function withoutEscapes(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\{1,15}[nrt]/g, (written) => `${' '.repeat(written.length - 1)}\n`);
}
