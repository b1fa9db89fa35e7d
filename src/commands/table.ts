import { oneLine } from '../core/text.ts';
import type { Colors } from './terminal.ts';

/** A cell's text, and how it is painted after it was measured. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

const GAP = '  ';
const NARROWEST = 20;

/** Aligned columns under dim headings. What does not fit into `columns` is cut from the last column. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  paint: Colors,
  columns: number,
): string {
  const all = [headings.map((text): Cell => ({ text, paint: paint.dim })), ...rows];
  const last = headings.length - 1;
  const widths = headings.map((_, i) => Math.max(...all.map((row) => width(textOf(row[i])))));
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + GAP.length, 0);
  const room = Math.max(NARROWEST, columns - before);
  return all
    .map((row) =>
      headings
        .map((_, i) => {
          const text = i === last ? oneLine(textOf(row[i]), room) : textOf(row[i]);
          const cell = row[i];
          const painted = typeof cell === 'object' ? cell.paint(text) : text;
          return i === last ? painted : painted + ' '.repeat((widths[i] ?? 0) - width(text));
        })
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}

function textOf(cell: Cell | undefined): string {
  return oneLine(typeof cell === 'object' ? cell.text : (cell ?? ''), Number.MAX_SAFE_INTEGER);
}

/** Characters, not code units; wide ones count as one, which is close enough for a list. */
function width(text: string): number {
  return [...text].length;
}

/** `label  value` lines with aligned values; entries without a value are left out. */
export function facts(entries: readonly (readonly [string, string | null])[], paint: Colors): string {
  const present = entries.filter((entry): entry is readonly [string, string] => entry[1] !== null);
  const widest = Math.max(0, ...present.map(([label]) => label.length));
  return present.map(([label, value]) => `  ${paint.dim(label.padEnd(widest))}${GAP}${value}`).join('\n');
}

/** `2026-08-01 12:34:56`, in UTC as everything in the store is. */
export function moment(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

/** Text below a mark, each line indented by `indent`. */
export function indented(text: string, indent: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line))
    .join('\n');
}

/** `4.2 s`, `3 min`, `2 h`, `3 d`: as much as matters. */
export function duration(ms: number): string {
  const [unit = 's', size = 1_000] = UNITS.find(([, from]) => ms >= 2 * from) ?? [];
  return `${unit === 's' ? (ms / size).toFixed(1) : Math.round(ms / size)} ${unit}`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;
