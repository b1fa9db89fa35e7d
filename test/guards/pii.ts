import { existsSync, readFileSync } from 'node:fs';
import { findPii } from '../../src/guards/pii.ts';
import type { Span, SpanType } from '../../src/guards/spans.ts';

/** Texts with marked personal data, beside the checkout; they are not part of it. */
const FOLDER = new URL('../../../shared/data/', import.meta.url);

/** Types of the data that must be found, and what they are called here. Of the others no rule speaks. */
const TYPES: Readonly<Record<string, SpanType>> = {
  EMAIL_ADDRESS: 'mail',
  PHONE_NUMBER: 'phone',
  CREDIT_CARD: 'card',
  IBAN_CODE: 'iban',
  US_SSN: 'ssn',
  IP_ADDRESS: 'ip',
  STREET_ADDRESS: 'address',
  ADDRESS: 'address',
  ZIP_CODE: 'address',
  PERSON: 'name',
};

/** Places belong to addresses: marking them is no fault, missing them neither. */
const PLACES = new Set(['GPE', 'LOCATION']);

interface Marked {
  readonly text: string;
  readonly spans: readonly { readonly type: string; readonly start: number; readonly end: number }[];
}

export interface TypeFigures {
  /** Marked in the data. */
  readonly spans: number;
  /** At least 90 % of its characters are marked, as whatever. */
  readonly found: number;
  /** The same, marked as its own type. */
  readonly typed: number;
  /** Same type, same first and last character. */
  readonly exact: number;
  readonly recall: number;
  /** Characters that were marked as this, and how many of them the data calls personal in any way. */
  readonly marked: number;
  readonly right: number;
  readonly precision: number;
}

export interface PiiFigures {
  readonly byType: Readonly<Record<string, TypeFigures>>;
  /** Of all spans: found as their own type. */
  readonly recall: number;
  /** Of all marked characters. */
  readonly precision: number;
  readonly texts: number;
}

/** What was missed or marked too much, for whoever improves the rules. */
export interface PiiMiss {
  readonly kind: 'missed' | 'too much';
  readonly type: SpanType;
  readonly part: string;
  readonly text: string;
}

/** Null (said aloud) where the project was cloned without its data; with CI=true that is an error. */
export function readPii(folder: URL = FOLDER): readonly Marked[] | null {
  const file = new URL('pii/pii.dev.jsonl', folder);
  if (existsSync(file))
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  if (process.env.CI === 'true') throw new Error('../shared/data/pii is missing; CI must have it');
  console.warn('LEFT OUT: personal data is not measured without ../shared/data/pii');
  return null;
}

/** The record of the requester is what the text marks as persons. `find` can be replaced, to show that faults are seen. */
export function measurePii(
  texts: readonly Marked[] | null = readPii(),
  find: typeof findPii = findPii,
  onMiss: (miss: PiiMiss) => void = () => {},
): PiiFigures | null {
  if (texts === null) return null;
  const counts = new Map<SpanType, Counts>();
  const countsOf = (type: SpanType): Counts => {
    const known = counts.get(type) ?? { spans: 0, found: 0, typed: 0, exact: 0, marked: 0, right: 0 };
    counts.set(type, known);
    return known;
  };
  for (const { text, spans } of texts) {
    const names = spans
      .filter(({ type }) => type === 'PERSON')
      .map(({ start, end }) => text.slice(start, end));
    const marks = find(text, { names });
    for (const span of spans) {
      const type = TYPES[span.type];
      if (type === undefined) continue;
      const count = countsOf(type);
      const same = marks.filter((mark) => mark.type === type);
      const typed = covered(span, same) >= 0.9 * (span.end - span.start);
      count.spans++;
      count.found += Number(covered(span, marks) >= 0.9 * (span.end - span.start));
      count.typed += Number(typed);
      count.exact += Number(same.some(({ start, end }) => start === span.start && end === span.end));
      if (!typed) onMiss({ kind: 'missed', type, part: text.slice(span.start, span.end), text });
    }
    const personal = spans.filter(({ type }) => TYPES[type] !== undefined || PLACES.has(type));
    for (const mark of marks) {
      const count = countsOf(mark.type);
      const right = covered(mark, personal) + blanksBetween(text, mark, personal);
      count.marked += mark.end - mark.start;
      count.right += right;
      if (right < 0.8 * (mark.end - mark.start))
        onMiss({ kind: 'too much', type: mark.type, part: text.slice(mark.start, mark.end), text });
    }
  }
  const all = [...counts.values()];
  return {
    byType: Object.fromEntries([...counts].map(([type, count]) => [type, figuresOf(count)])),
    recall: share(sum(all, 'typed'), sum(all, 'spans')),
    precision: share(sum(all, 'right'), sum(all, 'marked')),
    texts: texts.length,
  };
}

interface Counts {
  spans: number;
  found: number;
  typed: number;
  exact: number;
  marked: number;
  right: number;
}

function figuresOf(count: Counts): TypeFigures {
  return {
    ...count,
    recall: share(count.typed, count.spans),
    precision: share(count.right, count.marked),
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

function sum(all: readonly Counts[], member: keyof Counts): number {
  return all.reduce((total, count) => total + count[member], 0);
}

type Range = Pick<Span, 'start' | 'end'>;

/** Characters of `range` that lie in one of `others`, which do not overlap. */
function covered(range: Range, others: readonly Range[]): number {
  return others.reduce(
    (total, { start, end }) => total + Math.max(0, Math.min(end, range.end) - Math.max(start, range.start)),
    0,
  );
}

/** Blanks, breaks and commas between the parts of one address are part of it. */
function blanksBetween(text: string, mark: Range, personal: readonly Range[]): number {
  let count = 0;
  for (let at = mark.start; at < mark.end; at++)
    if (/[\s,?]/.test(text[at] ?? '') && !personal.some(({ start, end }) => start <= at && at < end)) count++;
  return count;
}
