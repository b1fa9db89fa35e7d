import type { Campaign, Report } from './campaign.ts';

export function isGreen(report: Report): boolean {
  return report.problems.length === 0 && report.vacuous.length === 0;
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
  const head = ['', 'faults', 'runs', 'effects', 'lost', 'twice', 'back p50', 'back p95', 'took', 'verdict'];
  const rows = reports.map(({ campaign, report, ms }) => [
    campaign.id,
    String(report.faults),
    String(report.runs),
    String(report.effects),
    String(report.lost),
    String(report.duplicated),
    seconds(quantile(report.recoveryMs, 0.5)),
    seconds(quantile(report.recoveryMs, 0.95)),
    seconds(ms),
    isGreen(report) ? 'held' : 'BROKEN',
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
  ]);
  return `${[head, ...rows].map(line).join('\n')}\n\n${notes.join('\n')}\n`;
}

/** The value below which this share of the values lies; null without values. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}

function seconds(ms: number | null): string {
  return ms === null ? '-' : `${(ms / 1000).toFixed(1)} s`;
}
