import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Benchmark, Findings, Goal, Table } from './benchmark.ts';
import { svgOf } from './svg.ts';

const RESULTS = join(import.meta.dirname, 'results');

/** Writes figures, tables and plots to `bench/results`; what was there before of the same name is replaced. */
export function keep(benchmark: Benchmark, findings: Findings): void {
  mkdirSync(RESULTS, { recursive: true });
  const { goals, tables, raw } = findings;
  const kept = {
    name: benchmark.name,
    question: benchmark.question,
    at: new Date().toISOString(),
    machine: machine(),
    goals,
    tables,
    raw,
  };
  writeFileSync(join(RESULTS, `${benchmark.name}.json`), `${JSON.stringify(kept)}\n`);
  writeFileSync(join(RESULTS, `${benchmark.name}.md`), markdownOf(benchmark, findings));
  for (const plot of findings.plots)
    writeFileSync(join(RESULTS, `${benchmark.name}-${plot.name}.svg`), svgOf(plot));
}

/** For people on a terminal. */
export function textOf({
  benchmark,
  findings,
}: {
  readonly benchmark: Benchmark;
  readonly findings: Findings;
}): string {
  return [
    `${benchmark.name}: ${benchmark.question}`,
    ...findings.tables.map((table) => `\n${table.title}\n${alignedOf(table)}`),
    '',
    ...findings.goals.map((goal) => `${isMet(goal) ? '✓' : '✗'} ${wordsOf(goal)}`),
    ...findings.problems.map((problem) => `! ${problem}`),
    '',
  ].join('\n');
}

/** The page that is kept: what was asked, how it was measured, what came of it. */
export function markdownOf(benchmark: Benchmark, { goals, tables, plots, problems }: Findings): string {
  const { cpu, cores, node } = machine();
  const points = [
    ...goals.map((goal) => `- ${isMet(goal) ? 'met' : '**missed**'}: ${wordsOf(goal)}`),
    ...problems.map((problem) => `- **problem**: ${problem}`),
  ];
  return [
    `# ${benchmark.name}`,
    benchmark.question,
    `Measured ${new Date().toISOString().slice(0, 10)} with \`npm run bench -- --only ${benchmark.name}\` on ${cores} cores (${cpu}), Node ${node}.`,
    ...(points.length === 0 ? [] : [points.join('\n')]),
    ...plots.map((plot) => `![${escaped(plot.title, /[[\]]/g)}](${benchmark.name}-${plot.name}.svg)`),
    ...tables.flatMap(({ title, head, rows }) => [
      `## ${title}`,
      [head, head.map(() => '---'), ...rows]
        .map((row) => `| ${row.map((cell) => escaped(String(cell), /\|/g)).join(' | ')} |`)
        .join('\n'),
    ]),
  ]
    .join('\n\n')
    .concat('\n');
}

/** Signs that would end what they stand in. */
function escaped(words: string, signs: RegExp): string {
  return words.replace(signs, (sign) => `\\${sign}`);
}

function alignedOf({ head, rows }: Table): string {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function wordsOf({ what, figure, comparison, goal, unit, spread }: Goal): string {
  const shown = (value: number) =>
    Number.isInteger(value) || value >= 1_000 ? Math.round(value) : value.toPrecision(3);
  const rounds = spread === undefined ? '' : `${shown(spread[0])} to ${shown(spread[1])}; `;
  return `${what}: ${shown(figure)}${unit} (${rounds}goal ${comparison} ${goal}${unit})`;
}

export function isMet({ figure, comparison, goal }: Goal): boolean {
  return comparison === '<=' ? figure <= goal : figure >= goal;
}

function machine() {
  const [first] = cpus();
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
  };
}
