import { featureMaker } from './injectionFeatures.ts';
import { type InjectionModel, logOdds, unpackModel } from './injectionModel.ts';
import { type InjectionSignal, markupSignals, SUFFICIENT } from './injectionSignals.ts';
import { TOOL_MODEL, USER_MODEL } from './injectionWeights.ts';
import { decodedForms } from './normal.ts';
import { mayBeOrder, read, spansOf } from './passages.ts';

export { INJECTION_SIGNALS, type InjectionSignal } from './injectionSignals.ts';

/** A user may ask and order; in a tool's result any order or question to the reader is out of place. */
export type TextOrigin = 'user' | 'tool';

export interface InjectionScan {
  /** 0 to 1; from 0.5 on it is suspicious. */
  readonly score: number;
  readonly signals: readonly InjectionSignal[];
  readonly suspicious: boolean;
}

export interface ScanOptions {
  /** Default `user`. */
  readonly where?: TextOrigin;
  /** Another model than the one that ships, for measuring. */
  readonly model?: InjectionModel;
}

const MODELS: Readonly<Record<TextOrigin, InjectionModel>> = {
  user: unpackModel(USER_MODEL),
  tool: unpackModel(TOOL_MODEL),
};

/**
 * Looks for words that are meant to steer the model. Deterministic, time linear in the text, no network. It is a
 * signal for policy and people, never a boundary: what it misses must not be able to act either.
 */
export function scanInjection(text: string, options: ScanOptions = {}): InjectionScan {
  const where = options.where ?? 'user';
  const model = options.model ?? MODELS[where];
  const plain = scanForm(text, where, model);
  const signals = new Set(plain.signals);
  let score = plain.score;
  for (const form of decodedForms(text)) {
    const decoded = scanForm(form, where, model);
    if (!suspicious(decoded)) continue;
    for (const signal of decoded.signals) signals.add(signal);
    signals.add('encoded_payload');
    score = Math.max(score, decoded.score);
  }
  const found = { score, signals: [...signals] };
  const stop = suspicious(found);
  return { ...found, score: stop ? Math.max(score, 0.5) : score, suspicious: stop };
}

interface Found {
  readonly score: number;
  readonly signals: readonly InjectionSignal[];
}

function suspicious({ score, signals }: Found): boolean {
  return score >= 0.5 || signals.some((signal) => SUFFICIENT.has(signal));
}

function scanForm(text: string, where: TextOrigin, model: InjectionModel): Found {
  const reading = read(text);
  const marks = markupSignals(text);
  const signals = new Set(marks);
  const features = featureMaker(reading, marks);
  let best = Number.NEGATIVE_INFINITY;
  for (const span of spansOf(reading)) {
    if (where === 'tool' && !mayBeOrder(reading, span)) continue;
    const found = features(span);
    for (const signal of found.signals) signals.add(signal);
    best = Math.max(best, logOdds(model, found));
  }
  if (best >= 0) signals.add(where === 'tool' ? 'instructions_in_data' : 'learned_pattern');
  return { score: 1 / (1 + Math.exp(-best)), signals: [...signals] };
}
