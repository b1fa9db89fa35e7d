import type { Stack } from '../src/stack/stack.ts';

/** One question about speed or size, answered by measuring things side by side. */
export interface Benchmark {
  /** For `--only`, and the name of its files in `bench/results`. */
  readonly name: string;
  readonly question: string;
  measure(how: How): Promise<Findings>;
}

export interface How {
  /** What CI runs: seconds to a minute; shows that everything works, its figures are not kept. */
  readonly quick: boolean;
  readonly seed: number;
  /** One stack for all benchmarks of a command: the dev server and PostgreSQL as `npm run dev` starts them. */
  readonly stack: Stack;
  progress(line: string): void;
}

export interface Findings {
  readonly goals: readonly Goal[];
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  /** What did not work at all: lost runs, wrong answers. One of them fails the command, also a quick one. */
  readonly problems: readonly string[];
  /** Every single measurement, as it was taken. */
  readonly raw: unknown;
}

/** A figure with what it should be. Missing a goal does not fail the command: it is written down. */
export interface Goal {
  readonly what: string;
  readonly figure: number;
  readonly comparison: '<=' | '>=';
  readonly goal: number;
  readonly unit: string;
  /** Where the figure is the median of rounds: the smallest and the largest of them. */
  readonly spread?: readonly [number, number];
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** Lines over a common x axis. */
export interface Plot {
  readonly name: string;
  readonly title: string;
  readonly x: { readonly label: string; readonly log?: boolean };
  readonly y: { readonly label: string; readonly log?: boolean };
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}
