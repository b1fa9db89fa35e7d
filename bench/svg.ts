import type { Plot } from './benchmark.ts';

type Line = Plot['lines'][number];
type Scale = (value: number) => number;

const PLOT_WIDTH = 520;
const PLOT_HEIGHT = 320;
const MARGIN = { top: 48, bottom: 56, left: 72 } as const;
const FONT_SIZE = 12;
/** Wide enough for most fonts: an SVG cannot measure its words. */
const LETTER_WIDTH = 6.8;
const LEGEND_ROW = 20;
const LEGEND_MARK = 26;
const GAP = 14;
/** Distinguishable without colour vision, and each line has a mark of its own besides. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#555555'];
const MARKS: readonly ((x: number, y: number) => string)[] = [
  (x, y) => `M${at(x - 3, y)}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z`,
  (x, y) => `M${at(x - 3, y - 3)}h6v6h-6z`,
  (x, y) => `M${at(x, y - 4)}l4 7h-8z`,
  (x, y) => `M${at(x, y - 4)}l4 4l-4 4l-4 -4z`,
  (x, y) => `M${at(x, y + 4)}l4 -7h-8z`,
];
const TICKS = 5;

/** A plot as an SVG document that needs nothing besides itself. */
export function svgOf({ title, x, y, lines }: Plot): string {
  const legendWidth = LEGEND_MARK + LETTER_WIDTH * Math.max(0, ...lines.map(({ name }) => name.length));
  const right = MARGIN.left + PLOT_WIDTH;
  const bottom = MARGIN.top + PLOT_HEIGHT;
  const width = Math.ceil(right + GAP + legendWidth + GAP);
  const height = bottom + MARGIN.bottom;
  const points = lines.flatMap((line) => line.points);
  const xs = axis(
    points.map(([value]) => value),
    x.log === true,
    [MARGIN.left, right],
  );
  const ys = axis(
    points.map(([, value]) => value),
    y.log === true,
    [bottom, MARGIN.top],
  );
  const middle = (MARGIN.top + bottom) / 2;
  const parts = [
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(MARGIN.left, 26, title, { size: 15 }),
    ...xs.ticks.map(
      (tick) =>
        `${rule(xs.at(tick), MARGIN.top, xs.at(tick), bottom)}${text(xs.at(tick), bottom + 18, short(tick), { anchor: 'middle' })}`,
    ),
    ...ys.ticks.map(
      (tick) =>
        `${rule(MARGIN.left, ys.at(tick), right, ys.at(tick))}${text(MARGIN.left - 8, ys.at(tick) + 4, short(tick), { anchor: 'end' })}`,
    ),
    text((MARGIN.left + right) / 2, height - 14, x.label, { anchor: 'middle' }),
    `<g transform="rotate(-90 18 ${middle})">${text(18, middle, y.label, { anchor: 'middle' })}</g>`,
    ...(points.length === 0
      ? [text((MARGIN.left + right) / 2, middle, 'nothing was measured', { anchor: 'middle' })]
      : []),
    ...lines.map((line, i) => drawn(line, i, { x: xs.at, y: ys.at })),
    ...lines.map((line, i) => legend(line, i, right + GAP)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${height}" font-family="sans-serif">\n${parts.join('\n')}\n</svg>\n`;
}

function drawn(line: Line, index: number, scale: { readonly x: Scale; readonly y: Scale }): string {
  const colour = colourOf(index);
  const spots = line.points
    .map(([px, py]) => [scale.x(px), scale.y(py)] as const)
    // A logarithm has no place for zero.
    .filter((spot) => spot.every(Number.isFinite));
  const path = spots.map(([px, py]) => at(px, py)).join(' ');
  const marks = spots.map(([px, py]) => markOf(index)(px, py)).join('');
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/><path d="${marks}" fill="${colour}"/>`;
}

function legend({ name }: Line, index: number, left: number): string {
  const colour = colourOf(index);
  const y = MARGIN.top + GAP + index * LEGEND_ROW;
  return [
    `<line x1="${left}" y1="${y - 4}" x2="${left + 20}" y2="${y - 4}" stroke="${colour}" stroke-width="2"/>`,
    `<path d="${markOf(index)(left + 10, y - 4)}" fill="${colour}"/>`,
    text(left + LEGEND_MARK, y, name),
  ].join('');
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '#000000';
}

function markOf(index: number): (x: number, y: number) => string {
  return MARKS[index % MARKS.length] ?? at;
}

function axis(values: readonly number[], log: boolean, [from, to]: readonly [number, number]) {
  const usable = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  if (usable.length === 0) return { at: () => from, ticks: [] };
  const lowest = log ? Math.min(...usable) : Math.min(0, ...usable);
  const highest = Math.max(...usable);
  const high = highest > lowest ? highest : lowest + 1;
  const scale = log ? Math.log10 : (value: number) => value;
  const [a, b] = [scale(lowest), scale(high)];
  const place = (value: number) => from + ((scale(value) - a) / (b - a)) * (to - from);
  return { at: place, ticks: log ? powers(lowest, high) : evenly(lowest, high) };
}

function evenly(low: number, high: number): number[] {
  const rough = (high - low) / TICKS;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * unit).find((size) => size >= rough) ?? rough;
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) ticks.push(tick);
  return ticks;
}

/** Powers of ten; twice and five times as much too where there are few of them. */
function powers(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const between = decades > 3 ? [1] : [1, 2, 5];
  const first = Math.floor(Math.log10(low));
  return Array.from({ length: Math.ceil(decades) + 2 }, (_, i) => 10 ** (first + i))
    .flatMap((power) => between.map((n) => n * power))
    .filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}

function short(value: number): string {
  const [unit, letter] =
    [[1e9, 'G'] as const, [1e6, 'M'] as const, [1e3, 'k'] as const].find(
      ([size]) => Math.abs(value) >= size,
    ) ?? ([1, ''] as const);
  return `${+(value / unit).toPrecision(3)}${letter}`;
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#dddddd"/>`;
}

function text(
  x: number,
  y: number,
  words: string,
  {
    anchor = 'start',
    size = FONT_SIZE,
  }: { readonly anchor?: 'start' | 'middle' | 'end'; readonly size?: number } = {},
): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchor}" fill="#222222">${escaped(words)}</text>`;
}

function at(x: number, y: number): string {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}

function escaped(words: string): string {
  return words.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
