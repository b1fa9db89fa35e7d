import type { Plot } from './benchmark.ts';

const WIDTH = 720;
const HEIGHT = 420;
const MARGIN = { top: 48, right: 170, bottom: 56, left: 72 } as const;
/** Distinguishable without colour vision, and each line has a mark of its own besides. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#555555'];
const TICKS = 5;

/** A plot as an SVG document that needs nothing besides itself. */
export function svgOf({ title, x, y, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points);
  const xs = axis(
    points.map(([value]) => value),
    x.log === true,
    [MARGIN.left, WIDTH - MARGIN.right],
  );
  const ys = axis(
    points.map(([, value]) => value),
    y.log === true,
    [HEIGHT - MARGIN.bottom, MARGIN.top],
  );
  const bottom = HEIGHT - MARGIN.bottom;
  const right = WIDTH - MARGIN.right;
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(MARGIN.left, 26, title, 'start', 15),
    ...xs.ticks.map(
      (tick) =>
        `${rule(xs.at(tick), MARGIN.top, xs.at(tick), bottom)}${text(xs.at(tick), bottom + 18, short(tick), 'middle')}`,
    ),
    ...ys.ticks.map(
      (tick) =>
        `${rule(MARGIN.left, ys.at(tick), right, ys.at(tick))}${text(MARGIN.left - 8, ys.at(tick) + 4, short(tick), 'end')}`,
    ),
    text((MARGIN.left + right) / 2, HEIGHT - 14, x.label, 'middle'),
    `<g transform="rotate(-90 18 ${(MARGIN.top + bottom) / 2})">${text(18, (MARGIN.top + bottom) / 2, y.label, 'middle')}</g>`,
    ...lines.map((line, i) => drawn(line, COLOURS[i % COLOURS.length] ?? '#000000', i, xs.at, ys.at)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">\n${parts.join('\n')}\n</svg>\n`;
}

function drawn(
  line: Plot['lines'][number],
  colour: string,
  index: number,
  atX: (value: number) => number,
  atY: (value: number) => number,
): string {
  const spots = line.points.map(([px, py]) => [atX(px), atY(py)] as const);
  const path = spots.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ');
  const legendY = MARGIN.top + 12 + index * 20;
  const legendX = WIDTH - MARGIN.right + 14;
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...spots.map(
      ([px, py]) => `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3" fill="${colour}"/>`,
    ),
    `<line x1="${legendX}" y1="${legendY - 4}" x2="${legendX + 20}" y2="${legendY - 4}" stroke="${colour}" stroke-width="3"/>`,
    text(legendX + 26, legendY, line.name, 'start'),
  ].join('');
}

function axis(values: readonly number[], log: boolean, [from, to]: readonly [number, number]) {
  const usable = log ? values.filter((value) => value > 0) : values;
  const low = log ? Math.min(...usable) : Math.min(0, ...usable);
  const high = Math.max(...usable);
  const scale = log ? Math.log10 : (value: number) => value;
  const [a, b] = [scale(low), scale(high > low ? high : low + 1)];
  const at = (value: number) => from + ((scale(value) - a) / (b - a)) * (to - from);
  return { at, ticks: log ? powers(low, high) : evenly(low, high) };
}

function evenly(low: number, high: number): number[] {
  const rough = (high - low || 1) / TICKS;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * unit).find((size) => size >= rough) ?? rough;
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) ticks.push(tick);
  return ticks;
}

function powers(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => 10 ** (first + i));
}

function short(value: number): string {
  if (Math.abs(value) >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
  if (Math.abs(value) >= 1e3) return `${+(value / 1e3).toPrecision(3)}k`;
  return String(+value.toPrecision(3));
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#dddddd"/>`;
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end', size = 12): string {
  const safe = words.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchor}" fill="#222222">${safe}</text>`;
}
