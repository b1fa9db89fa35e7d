/** Something that can be measured again and again. */
export interface Contender<Measured> {
  readonly name: string;
  measure(round: number): Promise<Measured>;
}

/**
 * Measures all contenders once a round, in an order that turns with every round, so that a slow minute of the machine
 * hits them alike. Returns each one's measurements in the order of rounds.
 */
export async function alternate<Measured>(
  contenders: readonly Contender<Measured>[],
  rounds: number,
  onRound: (round: number, contender: string) => void = () => undefined,
): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const measured = new Map<string, Measured[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(turn + round) % contenders.length];
      if (contender === undefined) continue;
      onRound(round, contender.name);
      measured.get(contender.name)?.push(await contender.measure(round));
    }
  }
  return measured;
}

/** The middle value; of an even number the mean of the two in the middle. Throws without values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) throw new Error('there is no median of nothing');
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** The value below which this share of the values lies. Throws without values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  if (value === undefined) throw new Error('there is no quantile of nothing');
  return value;
}

/** One thing over another, measured in the same rounds. */
export interface Ratio {
  readonly median: number;
  readonly smallest: number;
  readonly largest: number;
}

/**
 * `a / b` within each round, where what the machine did to both cancels out; then the median of these ratios, and how far
 * apart they lie. It is not the ratio of the two medians, which may come from different rounds.
 */
export function ratioOf(a: readonly number[], b: readonly number[]): Ratio {
  const ratios = a.map((value, round) => value / (b[round] ?? Number.NaN));
  return {
    median: median(ratios),
    smallest: Math.min(...ratios),
    largest: Math.max(...ratios),
  };
}

/** `0.71x (0.60 to 1.15)`. */
export function ratioWords({ median: middle, smallest, largest }: Ratio): string {
  return `${middle.toFixed(2)}x (${smallest.toFixed(2)} to ${largest.toFixed(2)})`;
}
