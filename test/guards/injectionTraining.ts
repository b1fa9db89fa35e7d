import type { TextOrigin } from '../../src/guards/injection.ts';
import { BUCKETS, type Features, featureMaker } from '../../src/guards/injectionFeatures.ts';
import {
  type InjectionModel,
  logOdds,
  packModel,
  unpackModel,
  valueAt,
} from '../../src/guards/injectionModel.ts';
import { markupSignals } from '../../src/guards/injectionSignals.ts';
import { mayBeOrder, read, spansOf } from '../../src/guards/passages.ts';
import type { GuardText } from './injectionData.ts';
import { OWN_PLANTED, OWN_RECORDS } from './ownRecords.ts';
import { OWN_ATTACKS, OWN_HARMLESS } from './ownTexts.ts';

/**
 * Logistic regression, trained from its own guesses which span of an attack is the attack: first the last span (most
 * often the whole text), then the one that the model so far finds worst. Every span of a harmless text is harmless.
 */
const ROUNDS = 3;
const EPOCHS = 12;
const RATE = 0.3;
const DECAY = 1e-3;
const SEED = 20260;

/** What counts as suspicious, in log odds: set once, so that one in a hundred harmless texts of the sources is. */
const THRESHOLDS: Readonly<Record<TextOrigin, number>> = { user: -0.5, tool: 0.2 };

interface Example {
  readonly spans: readonly Features[];
  readonly attack: boolean;
  readonly weight: number;
}

interface Point {
  readonly features: Features;
  readonly attack: boolean;
  readonly weight: number;
}

/** A text is read once, however often it is learned from. */
const examples = new Map<string, readonly Features[]>();

function spansIn(text: string, where: TextOrigin): readonly Features[] {
  const key = `${where} ${text}`;
  const known = examples.get(key);
  if (known) return known;
  const reading = read(text);
  const features = featureMaker(reading, markupSignals(text));
  const spans = spansOf(reading)
    .filter((span) => where === 'user' || mayBeOrder(reading, span))
    .map((span) => copied(features(span)));
  examples.set(key, spans);
  return spans;
}

/** Features are valid only until the next span. */
function copied(features: Features): Features {
  return { ...features, buckets: features.buckets.slice(0, features.count) };
}

export function trainModel(texts: readonly GuardText[], where: TextOrigin): InjectionModel {
  const learned = texts.filter((one) => !one.unlearned);
  const all = [...(where === 'user' ? userExamples(learned) : toolExamples(learned))];
  let model: InjectionModel | null = null;
  for (let round = 0; round < ROUNDS; round++) model = descend(pointsOf(all, model));
  if (model === null) throw new Error('training needs a round');
  return unpackModel(packModel({ ...model, bias: model.bias - THRESHOLDS[where] }));
}

function* userExamples(texts: readonly GuardText[]): Iterable<Example> {
  for (const { text, attack, source, where } of texts) {
    if (where !== 'user') continue;
    const weight = attack || source.startsWith('notinject') ? 2 : 1;
    yield { spans: spansIn(text, where), attack, weight };
  }
  for (const text of OWN_ATTACKS) yield { spans: spansIn(text, 'user'), attack: true, weight: 2 };
  for (const text of OWN_HARMLESS) yield { spans: spansIn(text, 'user'), attack: false, weight: 1 };
}

/** In a record an attack on a user's behalf is one as well; customers' requests stand for letters and tickets. */
function* toolExamples(texts: readonly GuardText[]): Iterable<Example> {
  for (const { text, attack, source, where, planted } of texts) {
    const spans = spansIn(planted ?? text, 'tool');
    if (planted !== undefined) yield { spans, attack, weight: 3 };
    else if (where === 'tool') yield { spans, attack, weight: source.startsWith('retail') ? 0.3 : 2 };
    else if (attack) yield { spans, attack, weight: 1 };
    else if (source === 'banking77') yield { spans, attack, weight: 0.5 };
  }
  for (const text of OWN_PLANTED) yield { spans: spansIn(text, 'tool'), attack: true, weight: 2 };
  for (const text of OWN_ATTACKS) yield { spans: spansIn(text, 'tool'), attack: true, weight: 1 };
  for (const text of OWN_RECORDS) yield { spans: spansIn(text, 'tool'), attack: false, weight: 2 };
}

function pointsOf(all: readonly Example[], model: InjectionModel | null): readonly Point[] {
  return all.flatMap(({ spans, attack, weight }): readonly Point[] => {
    if (!attack) return spans.map((features) => ({ features, attack, weight }));
    const last = spans.at(-1);
    if (last === undefined) return [];
    const worst =
      model === null ? last : spans.reduce((a, b) => (logOdds(model, b) > logOdds(model, a) ? b : a));
    return [{ features: worst, attack, weight }];
  });
}

/** AdaGrad; the average of the later epochs, so that the last few points do not decide. */
function descend(points: readonly Point[]): InjectionModel {
  const dense = new Float64Array(BUCKETS + 1);
  const squares = new Float64Array(BUCKETS + 1).fill(1e-8);
  const mean = new Float64Array(BUCKETS + 1);
  const order = points.map((_, index) => index);
  const random = randomNumbers(SEED);
  const move = (at: number, gradient: number) => {
    squares[at] = (squares[at] ?? 0) + gradient * gradient;
    dense[at] = (dense[at] ?? 0) - (RATE * gradient) / Math.sqrt(squares[at] ?? 1);
  };
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    shuffle(order, random);
    for (const index of order) {
      const point = points[index];
      if (point === undefined) continue;
      const { features } = point;
      const guess =
        1 / (1 + Math.exp(-logOdds({ weights: dense, scale: 1, bias: dense[BUCKETS] ?? 0 }, features)));
      const error = point.weight * (guess - (point.attack ? 1 : 0));
      for (let at = 0; at < features.count; at++) {
        const key = features.buckets[at] ?? 0;
        move(key, error * valueAt(features, at) + DECAY * (dense[key] ?? 0));
      }
      move(BUCKETS, error);
    }
    if (epoch >= EPOCHS / 2)
      for (let at = 0; at <= BUCKETS; at++) mean[at] = (mean[at] ?? 0) + (dense[at] ?? 0);
  }
  const weights = mean.map((sum) => sum / (EPOCHS / 2));
  return { weights: weights.subarray(0, BUCKETS), scale: 1, bias: weights[BUCKETS] ?? 0 };
}

function shuffle(order: number[], random: () => number): void {
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const kept = order[at] ?? 0;
    order[at] = order[other] ?? 0;
    order[other] = kept;
  }
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
