import type { RunId } from '../../../src/core/ids.ts';
import type { Handle, Lab } from '../../e2e/lab.ts';
import { type Facts, readFacts } from '../facts.ts';
import type { Payments } from '../payments.ts';
import { brokenOf, type GoldenTerms } from './play.ts';

// What became of golden runs that were to complete, whatever happened beside them.

export interface Ends {
  /** Effects that the outside saw. */
  readonly effects: number;
  /** Effects that were asked for and never done. */
  readonly lost: number;
  readonly duplicated: number;
  readonly problems: readonly string[];
}

export interface Ended {
  readonly kind: string;
  readonly outcome: string;
  readonly facts: Facts;
  readonly terms: GoldenTerms;
}

/** Kinds that pay, each once. */
const PAYING: readonly string[] = ['approval', 'reconcile', 'teller'];

export function endOf({ kind, outcome, facts, terms }: Ended): Ends {
  const acts = Object.values(facts.acts);
  const done = acts.filter((one) => one > 0).length;
  const wanted = PAYING.includes(kind) ? 1 : 0;
  return {
    effects: done,
    lost: Math.max(0, wanted - done),
    duplicated: acts.filter((one) => one > 1).length,
    problems: [
      ...(outcome === 'completed' ? [] : [`ended as ${outcome}`]),
      ...(done === wanted ? [] : [`${done} effects were done, ${wanted} asked for`]),
      ...brokenOf(facts, terms),
    ],
  };
}

/** A run that was started here, and what was said to it. */
export interface Started {
  readonly kind: string;
  readonly handle: Handle;
  readonly heard: readonly string[];
}

/** `terms`: what is the same for all of them. */
export async function readEnds(
  lab: Lab,
  payments: Payments,
  started: readonly Started[],
  terms: Omit<GoldenTerms, 'heard'>,
): Promise<Ends> {
  const ends: Ends[] = [];
  for (const { kind, handle, heard } of started) {
    const { run, outcome } = await handle.result();
    const facts = await readFacts(lab.sql, run as RunId, (key) => payments.of(key).acts);
    const end = endOf({ kind, outcome, facts, terms: { ...terms, heard } });
    ends.push({ ...end, problems: end.problems.map((problem) => `${handle.workflowId}: ${problem}`) });
  }
  return sumOf(ends);
}

export function sumOf(ends: readonly Ends[]): Ends {
  const sum = (of: (end: Ends) => number) => ends.reduce((all, end) => all + of(end), 0);
  return {
    effects: sum(({ effects }) => effects),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    problems: ends.flatMap(({ problems }) => problems),
  };
}
