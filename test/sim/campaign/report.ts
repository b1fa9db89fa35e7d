import type { Bundle } from '../driver.ts';
import type { Campaign } from './campaign.ts';
import { programOf } from './generate.ts';
import { play } from './play.ts';
import type { Program } from './program.ts';
import { kindOf, shrink } from './shrink.ts';
import { tellProgram } from './story.ts';
import { SOMETIMES, vacuities } from './tally.ts';

/** What a campaign came to. `failures` and `vacuous` are empty, or it has failed. */
export interface Report {
  readonly seed: number;
  readonly ms: number;
  readonly programs: number;
  readonly activations: number;
  readonly replayed: number;
  readonly states: number;
  readonly crashes: number;
  readonly moves: number;
  readonly effects: number;
  readonly approvals: number;
  readonly decisions: number;
  readonly messages: number;
  readonly quiet: number;
  /** Programs in which each of the states was reached. */
  readonly sometimes: Readonly<Record<string, number>>;
  readonly vacuous: readonly string[];
  /** Fewer activations than prove something, as was asked for. */
  readonly tooFew: boolean;
  readonly failures: readonly { readonly program: number; readonly violation: string }[];
}

export function reportOf({ seed, tally, states }: Campaign, ms: number, tooFew = false): Report {
  const { failed, reached, ...counts } = tally;
  const vacuous = tooFew ? [] : vacuities(tally);
  const sometimes = Object.fromEntries(SOMETIMES.map((state) => [state, reached[state] ?? 0]));
  return { seed, ms, ...counts, states: states.size, sometimes, vacuous, tooFew, failures: failed };
}

export function isGreen({ failures, vacuous }: Report): boolean {
  return failures.length + vacuous.length === 0;
}

export function textOf(report: Report): string {
  const { programs, activations, replayed, states, crashes, moves, ms } = report;
  const { effects, approvals, decisions, messages, quiet } = report;
  const width = Math.max(...SOMETIMES.map(({ length }) => length));
  return [
    `seed ${report.seed}: ${programs} programs, ${activations} activations and ${replayed} replayed after ${crashes} crashes, ${states} kinds of states, ${(ms / 1_000).toFixed(0)} s`,
    `${effects} effects, ${approvals} requests, ${decisions} decisions, ${messages} messages, ${moves} moves to a new execution; ${quiet} programs in which little happened`,
    'sometimes:',
    ...Object.entries(report.sometimes).map(([state, count]) => `  ${state.padEnd(width)}  ${count}`),
    ...report.vacuous.map((what) => `PROVES NOTHING: ${what}`),
    ...report.failures.map(({ program, violation }) => `BROKEN in program ${program}: ${violation}`),
    verdictOf(report),
    '',
  ].join('\n');
}

function verdictOf(report: Report): string {
  if (!isGreen(report)) return `BROKEN (seed ${report.seed})`;
  return report.tooFew ? 'nothing broke, in too few activations to prove anything' : 'held';
}

/** One failure of each kind, made small and told. */
export async function storiesOf(
  { seed, failures }: Report,
  bundle: Bundle,
  onProgress: (line: string) => void,
): Promise<readonly string[]> {
  const kinds = new Map(failures.map((failure) => [kindOf(failure.violation), failure]));
  const stories: string[] = [];
  for (const { program, violation } of [...kinds.values()].slice(0, MOST_STORIES)) {
    onProgress(`making program ${program} smaller`);
    const { tries, ...small } = await shrink(programOf(seed, program), violation, { bundle });
    const head = `program ${program} of seed ${seed}, made smaller in ${tries} tries; the whole of it: npm run sim -- --seed ${seed} --program ${program}`;
    stories.push([head, ...(await storyOf(small.program, bundle))].join('\n'));
  }
  return stories;
}

const MOST_STORIES = 3;

/** A program and everything that happens in it, line by line; what is broken comes last. */
export async function storyOf(program: Program, bundle: Bundle): Promise<readonly string[]> {
  const lines: string[] = [];
  const { violations } = await play(program, { bundle, tell: (line) => lines.push(line) });
  return [...tellProgram(program), ...lines, ...violations.map((violation) => `BROKEN: ${violation}`)];
}
