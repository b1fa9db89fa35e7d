/** Counters and histograms of a worker, as its SDK exports them. */
export interface Metrics {
  /** The sum over all labels; 0 for what has not happened. */
  total(name: string): number;
}

export async function readMetrics(address: string): Promise<Metrics> {
  const response = await fetch(`http://${address}/metrics`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const totals = new Map<string, number>();
  for (const line of lines) {
    const name = line.split(/[{ ]/, 1)[0] ?? '';
    totals.set(name, (totals.get(name) ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1)));
  }
  return { total: (name) => totals.get(name) ?? 0 };
}

/** What happened between two readings; with `what` of them counted, how long each took on average. */
export function between(before: Metrics, after: Metrics) {
  const count = (name: string) => after.total(name) - before.total(name);
  return {
    count,
    meanMs: (name: string) => count(`${name}_sum`) / Math.max(1, count(`${name}_count`)),
  };
}
