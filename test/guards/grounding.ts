import { type Seen, seen, ungrounded } from '../../src/guards/grounding.ts';
import { findMentions, type MentionKind } from '../../src/guards/mentions.ts';
import { fallbackTone } from '../../src/guards/rubric.ts';
import { add, alter, numbersFrom, type Planted } from './inventions.ts';
import { RECORDINGS, readAnswers } from './recordedAnswers.ts';

// What the answer guard does with recorded answers, and with the same answers after a value was made up in them.

export interface GroundingFigures {
  readonly source: keyof typeof RECORDINGS;
  /** Answers that ended a turn, and those that would not have gone out. */
  readonly texts: number;
  readonly blocked: number;
  readonly blockedShare: number;
  /** What stopped the blocked ones, for reading. */
  readonly findings: readonly string[];
  readonly planted: readonly PlantedRow[];
  /** Answers that the rules about tone stop. */
  readonly toneFaults: number;
  /** Of the check of one answer, and of reading everything before it; in a process that has warmed up. */
  readonly checkMsP50: number;
  readonly checkMsP95: number;
  readonly readMsP50: number;
  readonly readMsP95: number;
  readonly seed: number;
}

export interface PlantedRow {
  /** `altered`: a value of the answer was changed; `added`: a sentence with one was appended. */
  readonly how: 'altered' | 'added';
  readonly kind: MentionKind;
  readonly planted: number;
  readonly caught: number;
}

const SEED = 20_240_501;
const REPEATS = 3;
const KINDS = ['order', 'identifier', 'ending', 'phone', 'mail', 'link', 'amount'] as const;

/** One entry a set of recordings. None, aloud, when they are not beside the checkout; with CI=true that is a failure. */
export function measureGrounding(seed = SEED): readonly GroundingFigures[] {
  return (Object.keys(RECORDINGS) as (keyof typeof RECORDINGS)[]).flatMap((source) => {
    const figures = measure(source, seed);
    return figures === null ? [] : [figures];
  });
}

function measure(source: keyof typeof RECORDINGS, seed: number): GroundingFigures | null {
  const data = readAnswers(source);
  if (data === null) {
    const message = `answer guard: no recordings in ../shared/data/${RECORDINGS[source].file}, nothing measured`;
    if (process.env.CI === 'true') throw new Error(message);
    console.warn(`SKIPPED ${message}`);
    return null;
  }
  const { answers, prompt } = data;
  for (const { text, sources } of answers) ungrounded(text, seen(sources));
  const reads: number[] = [];
  const checks: number[] = [];
  const findings: string[] = [];
  const plants = new Plants(numbersFrom(seed));
  let blocked = 0;
  for (const { recording, text, sources } of answers) {
    const index = timed(reads, () => seen(sources));
    const found = timed(checks, () => ungrounded(text, index));
    if (found.length === 0) {
      plants.plant(text, index);
      continue;
    }
    blocked++;
    findings.push(`${recording}: ${found.map(({ kind, text: value }) => `${kind} ${value}`).join(', ')}`);
  }
  return {
    source,
    texts: answers.length,
    blocked,
    blockedShare: blocked / answers.length,
    findings,
    planted: plants.rows(),
    toneFaults: answers.filter(({ text }) => fallbackTone(text, prompt).length > 0).length,
    checkMsP50: percentile(checks, 0.5),
    checkMsP95: percentile(checks, 0.95),
    readMsP50: percentile(reads, 0.5),
    readMsP95: percentile(reads, 0.95),
    seed,
  };
}

/** Inventions planted into answers that were free of them, and how many were found. */
class Plants {
  readonly #draw: (below: number) => number;
  readonly #rows = new Map<string, PlantedRow>();

  constructor(draw: (below: number) => number) {
    this.#draw = draw;
  }

  plant(text: string, index: Seen): void {
    const mentions = findMentions(text);
    for (const kind of KINDS) {
      const targets = mentions.filter((one) => one.kind === kind && !one.text.includes('*'));
      const target = targets[this.#draw(Math.max(1, targets.length))];
      if (target !== undefined) this.#note('altered', kind, index, alter(text, mentions, target, this.#draw));
      this.#note('added', kind, index, add(text, kind, this.#draw));
    }
  }

  rows(): readonly PlantedRow[] {
    return [...this.#rows.values()].sort((one, other) => other.how.localeCompare(one.how));
  }

  #note(how: PlantedRow['how'], kind: MentionKind, index: Seen, { text, value }: Planted): void {
    const key = `${how} ${kind}`;
    const row = this.#rows.get(key) ?? { how, kind, planted: 0, caught: 0 };
    // Only the planted value counts, not what else no longer follows from the rest.
    const caught = ungrounded(text, index).some(
      (one) => value.includes(one.text) || one.text.includes(value),
    );
    this.#rows.set(key, { ...row, planted: row.planted + 1, caught: row.caught + (caught ? 1 : 0) });
  }
}

/** The shortest of a few times, so that what else the machine does is not counted. */
function timed<Result>(times: number[], run: () => Result): Result {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    const begin = performance.now();
    run();
    shortest = Math.min(shortest, performance.now() - begin);
  }
  times.push(shortest);
  return run();
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
