export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The line of least squares; `middle` is its value in the middle of the points. Throws with fewer than two of them. */
export function fitLine(points: readonly Point[]): { readonly slope: number; readonly middle: number } {
  if (points.length < 2) throw new Error(`${points.length} points make no line: take more samples`);
  const mean = (of: (point: Point) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const x = mean((point) => point.x);
  const y = mean((point) => point.y);
  const spread = mean((point) => (point.x - x) ** 2);
  return { slope: spread === 0 ? 0 : mean((point) => (point.x - x) * (point.y - y)) / spread, middle: y };
}

/** What was sampled of one worker. Memory in bytes, times in ms. */
export interface Samples {
  readonly lengthMs: number;
  readonly rss: readonly Point[];
  readonly connections: readonly Point[];
  /** What the heap held after a collection, in the middle and at the end. */
  readonly heap: { readonly middle: number; readonly end: number };
}

export interface Steadiness {
  readonly rss: { readonly slope: number; readonly middle: number; readonly riseShare: number };
  readonly heapShare: number;
  readonly connections: { readonly before: number; readonly after: number };
}

/** The first half is for warming up; what counts is the second. */
export function measureSteadiness({ lengthMs, rss, connections, heap }: Samples): Steadiness {
  const second = ({ x }: Point) => x >= lengthMs / 2;
  const most = (points: readonly Point[]) => Math.max(0, ...points.map(({ y }) => y));
  const fit = fitLine(rss.filter(second));
  return {
    rss: { ...fit, riseShare: (fit.slope * (lengthMs / 2)) / fit.middle },
    heapShare: heap.end / heap.middle - 1,
    connections: {
      before: most(connections.filter((point) => !second(point))),
      after: most(connections.filter(second)),
    },
  };
}

/**
 * Flat: the line through the resident memory of the second half rises by less than this share of its middle over that
 * half, the heap after a collection by less than twice as much, and there are never more connections than these, nor,
 * once warm, `spread` more than in the first half.
 */
export interface Flat {
  readonly riseShare: number;
  readonly connections: number;
  readonly spread: number;
}

export function unsteady({ rss, heapShare, connections }: Steadiness, flat: Flat): readonly string[] {
  const { before, after } = connections;
  return [
    ...(rss.riseShare > flat.riseShare
      ? [`memory rose by ${percent(rss.riseShare)} in the second half, ${percent(flat.riseShare)} is allowed`]
      : []),
    ...(heapShare > flat.riseShare * 2
      ? [
          `the heap rose by ${percent(heapShare)} in the second half, ${percent(flat.riseShare * 2)} is allowed`,
        ]
      : []),
    ...(Math.max(before, after) > flat.connections
      ? [`there were ${Math.max(before, after)} connections, ${flat.connections} is the limit`]
      : []),
    ...(after > before + flat.spread ? [`connections rose from ${before} to ${after}`] : []),
  ];
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
