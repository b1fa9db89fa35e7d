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
