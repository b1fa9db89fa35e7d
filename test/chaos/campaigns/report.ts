import { quantile } from '../../../bench/rounds.ts';
import type { Campaign, Report } from './campaign.ts';

export { quantile };

export type Verdict = 'held' | 'left out' | 'BROKEN';

/** What was not tried, or only in part, has not held. */
export function verdictOf({ problems, vacuous, leftOut = [] }: Report): Verdict {
  if (problems.length + vacuous.length > 0) return 'BROKEN';
  return leftOut.length > 0 ? 'left out' : 'held';
}

/** A quick run may leave out what this machine lacks, as long as it says so; one in full may not. */
export function isGreen(report: Report, { quick }: { readonly quick: boolean }): boolean {
  const verdict = verdictOf(report);
  return verdict === 'held' || (quick && verdict === 'left out');
}

/** What is said of a campaign that threw. */
export function unplayed(error: unknown): Report {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    faults: 0,
    runs: 0,
    effects: 0,
    lost: 0,
    duplicated: 0,
    recoveryMs: [],
    problems: [`it was not played to its end: ${why}`],
    vacuous: [],
    figures: {},
  };
}

/** The table that people read, and below it whatever was broken. */
export function textOf(
  reports: readonly { readonly campaign: Campaign; readonly report: Report; readonly ms: number }[],
): string {
  const head = [
    '',
    'faults',
    'runs',
    'effects',
    'lost',
    'twice',
    'replayed',
    'back p50',
    'back p95',
    'took',
    'verdict',
  ];
  const rows = reports.map(({ campaign, report, ms }) => [
    campaign.id,
    String(report.faults),
    String(report.runs),
    String(report.effects),
    String(report.lost),
    String(report.duplicated),
    replayedOf(report),
    secondsAt(report.recoveryMs, 0.5),
    secondsAt(report.recoveryMs, 0.95),
    seconds(ms),
    verdictOf(report),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  const notes = reports.flatMap(({ campaign: { id, promise }, report }) => [
    `${id}  ${promise}`,
    ...Object.entries(report.figures).map(([name, value]) => `    ${name}: ${value}`),
    ...report.problems.map((problem) => `  ! ${problem}`),
    ...report.vacuous.map((what) => `  ? too little happened: ${what}`),
    ...(report.leftOut ?? []).map((what) => `  - left out: ${what}`),
  ]);
  return `${[head, ...rows].map(line).join('\n')}\n\n${notes.join('\n')}\n\n${countsOf(reports)}\n`;
}

/** `14 held, 1 left out, 0 BROKEN`. */
function countsOf(reports: readonly { readonly report: Report }[]): string {
  const verdicts: readonly Verdict[] = ['held', 'left out', 'BROKEN'];
  const count = (verdict: Verdict) => reports.filter(({ report }) => verdictOf(report) === verdict).length;
  return verdicts.map((verdict) => `${count(verdict)} ${verdict}`).join(', ');
}

/** `312 of 312` */
function replayedOf({ histories }: Report): string {
  return histories === undefined ? '-' : `${histories.replayed} of ${histories.of}`;
}

/** Of times in ms; `-` where there are none. */
function secondsAt(values: readonly number[], share: number): string {
  return values.length === 0 ? '-' : seconds(quantile(values, share));
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
