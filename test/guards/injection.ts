import { scanInjection, type TextOrigin } from '../../src/guards/injection.ts';
import type { InjectionModel } from '../../src/guards/injectionModel.ts';
import { read } from '../../src/guards/passages.ts';
import { type GuardText, readInjectionData } from './injectionData.ts';
import { trainModel } from './injectionTraining.ts';
import { cpuMs, partOf } from './sharedData.ts';

/** What the filter does with the texts of one source. Shares are 0 to 1, null where the source has no such text. */
export interface InjectionRow {
  readonly source: string;
  readonly where: TextOrigin;
  /**
   * `shipped`: by the weights that ship, which have learned from these texts. `unseen`: by weights of the same making
   * that have not, five-fold; what is planted by whole categories. `unlike`: as `unseen`, and texts that share a
   * sentence are in the same fold. `never`: the shipped weights, on texts that nothing ever learned from.
   */
  readonly figures: 'shipped' | 'unseen' | 'unlike' | 'never';
  readonly texts: number;
  readonly attacks: number;
  readonly recall: number | null;
  readonly falseStops: number | null;
  /** Processor time. */
  readonly msPerText: number;
}

const FOLDS = 5;

/** All figures, or those that are named; null when the data are not there. */
export function measureInjection(wanted: readonly Figures[] = FIGURES): readonly InjectionRow[] | null {
  const texts = readInjectionData();
  if (texts === null) return null;
  const learned = texts.filter((one) => !one.unlearned);
  return wanted.flatMap((figures) => {
    switch (figures) {
      case 'shipped':
        return tally(learned, figures, () => undefined);
      case 'never':
        return tally(
          texts.filter((one) => one.unlearned),
          figures,
          () => undefined,
        );
      case 'unseen':
        return crossValidated(learned, figures, ({ family }) => family);
      case 'unlike':
        return crossValidated(learned, figures, likeness(learned));
      default:
        return figures satisfies never;
    }
  });
}

type Figures = InjectionRow['figures'];

const FIGURES: readonly Figures[] = ['shipped', 'never', 'unseen', 'unlike'];

function crossValidated(
  texts: readonly GuardText[],
  figures: Figures,
  familyOf: (one: GuardText) => string,
): readonly InjectionRow[] {
  const foldOf = (one: GuardText) => partOf(`fold ${familyOf(one)}`, FOLDS);
  const models = Array.from({ length: FOLDS }, (_, fold) => {
    const others = texts.filter((one) => foldOf(one) !== fold);
    return { user: trainModel(others, 'user'), tool: trainModel(others, 'tool') };
  });
  return tally(texts, figures, (one) => models[foldOf(one)]?.[one.where]);
}

/** Exported for the check of the check: a filter that says nothing must show as one. */
export function tally(
  texts: readonly GuardText[],
  figures: Figures,
  modelFor: (one: GuardText) => InjectionModel | undefined,
  scan: typeof scanInjection = scanInjection,
): readonly InjectionRow[] {
  const sources = [...new Set(texts.map(({ source }) => source))];
  return sources.map((source) => {
    const own = texts.filter((one) => one.source === source);
    const startedAtMs = cpuMs();
    const stopped = own.map((one) => {
      const model = modelFor(one);
      return scan(one.text, { where: one.where, ...(model ? { model } : {}) }).suspicious;
    });
    const msPerText = (cpuMs() - startedAtMs) / own.length;
    const share = (attack: boolean) => {
      const kind = own.flatMap((one, index) => (one.attack === attack ? [stopped[index] === true] : []));
      return kind.length === 0 ? null : kind.filter(Boolean).length / kind.length;
    };
    return {
      source,
      where: own[0]?.where ?? 'user',
      figures,
      texts: own.length,
      attacks: own.filter(({ attack }) => attack).length,
      recall: share(true),
      falseStops: share(false),
      msPerText,
    };
  });
}

/** What the issue asks for, over the labelled texts and the records they are planted in. */
export function judgeInjection(
  rows: readonly InjectionRow[],
  figures: Figures = 'unseen',
): { readonly recall: number; readonly falseStops: number; readonly met: boolean } {
  const own = rows.filter((row) => row.figures === figures);
  const mean = (part: (row: InjectionRow) => readonly [number | null, number]) => {
    const parts = own
      .map(part)
      .flatMap(([share, count]) => (share === null ? [] : [[share, count] as const]));
    const count = parts.reduce((sum, [, texts]) => sum + texts, 0);
    return count === 0 ? Number.NaN : parts.reduce((sum, [share, texts]) => sum + share * texts, 0) / count;
  };
  const recall = mean((row) => [row.recall, row.attacks]);
  const falseStops = mean((row) => [
    LABELLED.test(row.source) ? row.falseStops : null,
    row.texts - row.attacks,
  ]);
  return { recall, falseStops, met: recall >= 0.9 && falseStops <= 0.02 };
}

const LABELLED = /^(?:deepset|notinject)/;

/** Texts that share a long sentence get the same family; many of the labelled ones are put together from others. */
function likeness(texts: readonly GuardText[]): (one: GuardText) => string {
  const parents = new Map<string, string>();
  const root = (family: string): string => {
    const parent = parents.get(family);
    return parent === undefined || parent === family ? family : root(parent);
  };
  const firstWith = new Map<string, string>();
  for (const { text, family, planted, attack } of texts) {
    if (planted !== undefined || !attack) continue;
    const { words, starts } = read(text);
    for (let at = 0; at + 1 < starts.length; at++) {
      const sentence = words.slice(starts[at], starts[at + 1]);
      if (sentence.length < 5) continue;
      const key = sentence.slice(0, 7).join(' ');
      const known = firstWith.get(key);
      if (known === undefined) firstWith.set(key, family);
      else parents.set(root(family), root(known));
    }
  }
  return ({ family }) => root(family);
}
