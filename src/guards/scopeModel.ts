import type { Vector } from './scopeFeatures.ts';

/** One row of weights for each bucket, one column for each class. */
export interface ClassModel {
  readonly classes: number;
  readonly weights: Float32Array;
}

const RATE = 4;
/** Classes that are this sure to be wrong already are left alone, which is most of them, most of the time. */
const SETTLED = 0.002;

export function emptyModel(classes: number, buckets: number): ClassModel {
  return { classes, weights: new Float32Array(classes * buckets) };
}

/** Scores of all classes, written into `scores`. */
export function scoreClasses({ classes, weights }: ClassModel, vector: Vector, scores: Float32Array): void {
  scores.fill(0);
  const { buckets, values } = vector;
  for (let at = 0; at < buckets.length; at++) {
    const row = (buckets[at] ?? 0) * classes;
    const value = values[at] ?? 0;
    for (let one = 0; one < classes; one++)
      scores[one] = (scores[one] ?? 0) + (weights[row + one] ?? 0) * value;
  }
}

/** Turns scores into shares that add up to one. */
export function softmax(scores: Float32Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) most = Math.max(most, score);
  let sum = 0;
  for (let at = 0; at < scores.length; at++) {
    const share = Math.exp((scores[at] ?? 0) - most);
    scores[at] = share;
    sum += share;
  }
  for (let at = 0; at < scores.length; at++) scores[at] = (scores[at] ?? 0) / sum;
}

export interface Lesson {
  readonly vector: Vector;
  readonly label: number;
}

/**
 * Multinomial logistic regression by stochastic gradient, its rate falling to `last` of what it was. The order comes
 * from a fixed seed: the same examples make the same router.
 */
export function learn(
  model: ClassModel,
  lessons: readonly Lesson[],
  options: { readonly epochs: number; readonly first: number; readonly last: number },
): void {
  const { classes, weights } = model;
  const scores = new Float32Array(classes);
  const active = new Int32Array(classes);
  const order = Int32Array.from(lessons.keys());
  const random = randomNumbers();
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const rate = RATE * (options.first + ((options.last - options.first) * epoch) / options.epochs);
    shuffle(order, random);
    for (const index of order) {
      const lesson = lessons[index];
      if (lesson === undefined) continue;
      scoreClasses(model, lesson.vector, scores);
      softmax(scores);
      scores[lesson.label] = (scores[lesson.label] ?? 0) - 1;
      let count = 0;
      for (let one = 0; one < classes; one++) if (Math.abs(scores[one] ?? 0) > SETTLED) active[count++] = one;
      const { buckets, values } = lesson.vector;
      for (let at = 0; at < buckets.length; at++) {
        const row = (buckets[at] ?? 0) * classes;
        const step = rate * (values[at] ?? 0);
        for (let which = 0; which < count; which++) {
          const one = active[which] ?? 0;
          weights[row + one] = (weights[row + one] ?? 0) - step * (scores[one] ?? 0);
        }
      }
    }
  }
}

function shuffle(order: Int32Array, random: () => number): void {
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const kept = order[at] ?? 0;
    order[at] = order[other] ?? 0;
    order[other] = kept;
  }
}

function randomNumbers(): () => number {
  let state = 20_260;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
