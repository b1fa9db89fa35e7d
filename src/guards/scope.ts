import { LIMITS } from '../core/limits.ts';
import { countFeatures, rarity, type Vector, vectorOf } from './scopeFeatures.ts';
import { createIndex, type NearIndex } from './scopeIndex.ts';
import { type ClassModel, emptyModel, type Lesson, learn, scoreClasses, softmax } from './scopeModel.ts';

export interface Intent {
  readonly name: string;
  readonly examples: readonly string[];
}

export interface RouterOptions {
  /** Share (0 to 1) of requests like the examples that may be turned away as out of scope. Default 0.05. */
  readonly rejectShare?: number;
  /** Texts that belong to no intent. Optional; a hundred of them help. */
  readonly outside?: readonly string[];
}

export interface Routed {
  /** Null: out of scope. */
  readonly intent: string | null;
  /** 0 to 1 that the text is in scope; from 0.5 on it is. */
  readonly confidence: number;
  /** The best intents, in scope or not, with shares of 0 to 1 among the intents. */
  readonly alternatives: readonly { readonly intent: string; readonly share: number }[];
}

export interface Router {
  readonly route: (text: string) => Routed;
}

const ALTERNATIVES = 3;
const REJECT_SHARE = 0.05;
/** Every so manieth example of an intent is kept back at first, to see how requests that were not learned score. */
const KEPT_BACK = 8;
/** Examples that are looked at in all, so that few examples are looked at more often. */
const LOOKS = 80_000;

/**
 * Trains a router from the examples. It is deterministic; ten thousand examples take one to two seconds, a request
 * less than a millisecond. Throws a TypeError that says what to change when the examples cannot make a router.
 */
export function createRouter(intents: readonly Intent[], options: RouterOptions = {}): Router {
  const outside = options.outside ?? [];
  check(intents, outside);
  const classes = intents.length + (outside.length > 0 ? 1 : 0);
  const size = bucketsFor(classes);
  const labelled = [
    ...intents.flatMap(({ examples }, label) => examples.map((text) => ({ text, label }))),
    ...outside.map((text) => ({ text, label: intents.length })),
  ].map(({ text, label }) => ({ label, counts: countFeatures(text, size) }));
  const rare = rarity(
    labelled.map(({ counts }) => counts),
    size,
  );
  const lessons = labelled.map(({ label, counts }) => ({ label, vector: vectorOf(counts, rare) }));
  const trained = train(
    lessons,
    intents.length,
    emptyModel(classes, size),
    options.rejectShare ?? REJECT_SHARE,
  );
  return { route: (text) => route(vectorOf(countFeatures(text, size), rare), intents, trained) };
}

/** Whether the text is the router's business at all. */
export function inScope(router: Router, text: string): boolean {
  return router.route(text).intent !== null;
}

interface Trained {
  readonly model: ClassModel;
  readonly index: NearIndex;
  readonly threshold: number;
}

/** Learns most, sees how the rest scores and puts the threshold there, then learns the rest as well. */
function train(lessons: readonly Lesson[], inside: number, model: ClassModel, rejectShare: number): Trained {
  const size = model.weights.length / model.classes;
  const index = createIndex(size, lessons.length);
  const isKept = (position: number) => position % KEPT_BACK === KEPT_BACK - 1;
  const seen = lessons.filter((_, position) => !isKept(position));
  const kept = lessons.filter((_, position) => isKept(position));
  const epochs = Math.min(30, Math.max(5, Math.round(LOOKS / lessons.length)));
  learn(model, seen, { epochs, first: 1, last: 0.1 });
  for (const { label, vector } of seen) if (label < inside) index.add(vector);
  const judged = kept.filter(({ label }) => label < inside);
  const scores = judged
    .map(({ vector }) => judge(vector, { model, index }, inside).score)
    .sort((a, b) => a - b);
  const threshold = scores[Math.floor(scores.length * rejectShare)] ?? Number.NEGATIVE_INFINITY;
  learn(model, lessons, { epochs: 1, first: 0.1, last: 0.1 });
  for (const { vector } of judged) index.add(vector);
  return { model, index, threshold };
}

interface Judged {
  readonly shares: Float32Array;
  readonly best: number;
  readonly score: number;
}

/** Both must be: one intent clearly before the others, and an example that is near. */
function judge(vector: Vector, { model, index }: Omit<Trained, 'threshold'>, inside: number): Judged {
  const shares = new Float32Array(model.classes);
  scoreClasses(model, vector, shares);
  softmax(shares);
  let best = 0;
  for (let one = 1; one < inside; one++) if ((shares[one] ?? 0) > (shares[best] ?? 0)) best = one;
  const score = Math.log((shares[best] ?? 0) + 1e-6) + 2 * Math.log(index.nearest(vector) + 1e-3);
  return { shares, best, score };
}

function route(vector: Vector, intents: readonly Intent[], trained: Trained): Routed {
  const { shares, best, score } = judge(vector, trained, intents.length);
  const isOutside = (shares[intents.length] ?? 0) > (shares[best] ?? 0);
  const confidence = isOutside ? 0 : 1 / (1 + Math.exp(trained.threshold - score));
  const alternatives = intents
    .map(({ name }, one) => ({ intent: name, share: shares[one] ?? 0 }))
    .sort((a, b) => b.share - a.share)
    .slice(0, ALTERNATIVES);
  return { intent: confidence >= 0.5 ? (intents[best]?.name ?? null) : null, confidence, alternatives };
}

/** As many buckets as the bound on memory allows for so many classes. */
function bucketsFor(classes: number): number {
  const most = LIMITS.routerWeights / classes;
  return Math.min(2 ** 15, 2 ** Math.floor(Math.log2(most)));
}

function check(intents: readonly Intent[], outside: readonly string[]): void {
  const names = new Set(intents.map(({ name }) => name));
  const examples = intents.reduce((sum, intent) => sum + intent.examples.length, outside.length);
  const empty = intents.find((intent) => intent.examples.length === 0);
  if (intents.length === 0) throw new TypeError('a router needs at least one intent');
  if (names.size !== intents.length)
    throw new TypeError('two intents of the router have the same name: merge them');
  if (empty)
    throw new TypeError(`intent "${empty.name}" has no examples: give it some, ten or more are good`);
  if (intents.length > LIMITS.routerIntents)
    throw new TypeError(`${intents.length} intents, a router takes ${LIMITS.routerIntents}: group them`);
  if (examples > LIMITS.routerExamples)
    throw new TypeError(`${examples} examples, a router takes ${LIMITS.routerExamples}: a sample is as good`);
}
