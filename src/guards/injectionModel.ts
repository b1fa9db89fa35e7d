import { BUCKETS, type Features } from './injectionFeatures.ts';

/** A logistic regression over buckets. Above 0 is suspicious; the threshold is part of the bias. */
export interface InjectionModel {
  readonly weights: Int8Array | Float64Array;
  readonly scale: number;
  readonly bias: number;
}

/** As it is kept: base64 of one signed byte a bucket. */
export interface PackedModel {
  readonly weights: string;
  readonly scale: number;
  readonly bias: number;
}

export function unpackModel(packed: PackedModel): InjectionModel {
  const bytes = Buffer.from(packed.weights, 'base64');
  if (bytes.length !== BUCKETS)
    throw new Error(
      `the weights have ${bytes.length} buckets, the features ${BUCKETS}: train them anew (test/guards/train.ts)`,
    );
  return { ...packed, weights: new Int8Array(bytes) };
}

/** A byte has 255 steps; the largest weight takes the last one. */
export function packModel({ weights, scale: unit, bias }: InjectionModel): PackedModel {
  let most = 0;
  for (const weight of weights) most = Math.max(most, Math.abs(weight));
  const step = most / 127 || 1;
  const bytes = Int8Array.from(weights, (weight) => Math.round(weight / step));
  return {
    weights: Buffer.from(bytes.buffer).toString('base64'),
    scale: Number((step * unit).toPrecision(6)),
    bias: Number(bias.toPrecision(6)),
  };
}

const IDEA_WEIGHT = 0.3;
const SIGNAL_WEIGHT = 1;

/**
 * Sum of what the buckets say. Words together weigh as much in a long span as in a short one; ideas and signals are
 * not diluted.
 */
export function logOdds(model: InjectionModel, { buckets, words, ideas, count }: Features): number {
  const { weights } = model;
  let ofWords = 0;
  let ofIdeas = 0;
  let ofSignals = 0;
  for (let at = 0; at < words; at++) ofWords += weights[buckets[at] ?? 0] ?? 0;
  for (let at = words; at < ideas; at++) ofIdeas += weights[buckets[at] ?? 0] ?? 0;
  for (let at = ideas; at < count; at++) ofSignals += weights[buckets[at] ?? 0] ?? 0;
  const sum = ofWords * wordWeight(words) + ofIdeas * IDEA_WEIGHT + ofSignals * SIGNAL_WEIGHT;
  return sum * model.scale + model.bias;
}

function wordWeight(words: number): number {
  return 1 / Math.sqrt(words || 1);
}

/** How much the bucket at a place of the features counts. */
export function valueAt({ words, ideas }: Features, at: number): number {
  if (at < words) return wordWeight(words);
  return at < ideas ? IDEA_WEIGHT : SIGNAL_WEIGHT;
}
