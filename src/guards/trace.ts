import type { Json } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { Origin, SensitiveKind } from '../core/provenance.ts';
import { alike } from './folding.ts';
import { loosely, type Needle, says, strictly } from './notations.ts';
import { type Reading, readingOf } from './reading.ts';

/** A text of the conversation, and whose it is. */
export interface Source {
  readonly from: 'user' | 'operator' | 'person' | 'trusted' | 'untrusted';
  /** Whose result it is. */
  readonly tool: string | null;
  /** Its place in the conversation. */
  readonly at: number;
  readonly text: string;
}

/** Arguments that the model gave a call, as text. */
export interface Said {
  readonly at: number;
  readonly text: string;
}

export type Trace = (kind: SensitiveKind, value: Json) => Pick<Origin, 'from' | 'tool'>;

/**
 * Finds where values came from. Vouching is strict and blaming is loose:
 *
 * V1. The customer, the operator, a person and a trusted result vouch for a value that they say whole, in any usual
 *     notation; letters that only look alike are others. Pieces of it vouch for nothing.
 * V2. A trusted result does not vouch for what the model had said in a call before it: it may only be an echo.
 * V3. A value that nobody vouches for is `untrusted` where an untrusted result has it, also disguised; else `unknown`.
 * V4. What is beyond the limits is not looked at, and vouches for nothing.
 *
 * It cannot tell a value that a trusted tool computed from what the model gave it.
 */
export function tracer(sources: readonly Source[], said: readonly Said[]): Trace {
  const looked = within(sources).map((source) => ({ ...source, reading: readingOf(source.text) }));
  const calls = said.map((one) => ({ ...one, reading: readingOf(one.text) }));
  const known = new Map<string, ReturnType<Trace>>();
  const trace: Trace = (kind, value) => {
    const text = textOf(value);
    if (text === null || text.length > LIMITS.tracedValueChars) return UNKNOWN;
    const strict = strictly(kind, text);
    const loose = loosely(kind, alike(text));
    const isEcho = (at: number) => calls.some((call) => call.at < at && has(call.reading, strict, loose));
    for (const { from, tool, at, reading } of looked) {
      if (from === 'untrusted') {
        if (has(reading, strict, loose)) return { from, tool };
      } else if (says(reading, strict) && !(from === 'trusted' && isEcho(at))) return { from, tool };
    }
    return UNKNOWN;
  };
  return (kind, value) => {
    const name = `${kind} ${JSON.stringify(value)}`;
    if (!known.has(name) && known.size >= LIMITS.tracedValues) return UNKNOWN;
    const found = known.get(name) ?? trace(kind, value);
    known.set(name, found);
    return found;
  };
}

const UNKNOWN = { from: 'unknown', tool: null } as const;

function has(reading: Reading, strict: readonly Needle[], loose: readonly Needle[]): boolean {
  return says(reading, strict) || says(reading, loose);
}

function textOf(value: Json): string | null {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' ? String(value) : null;
}

/** Those that are asked first come first; of equals the newest. */
const ORDER: Readonly<Record<Source['from'], number>> = {
  user: 0,
  operator: 1,
  person: 2,
  trusted: 3,
  untrusted: 4,
};

function within(sources: readonly Source[]): readonly Source[] {
  let left = LIMITS.tracedChars;
  return [...sources]
    .sort((a, b) => ORDER[a.from] - ORDER[b.from] || b.at - a.at)
    .filter(({ text }) => {
      left -= text.length;
      return left >= 0;
    });
}
