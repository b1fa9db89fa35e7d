import { LIMITS } from '../core/limits.ts';
import { type AmountReading, findUnnamedAmounts, readAmount, toCents } from './amounts.ts';
import { type Bases, isDerived, sumsOf } from './groundingDerived.ts';
import { countsIn, hasNear, type SeenMoney } from './groundingMoney.ts';
import type { Mention } from './mentions.ts';
import { blank, fold } from './mentionsText.ts';

const ROUGHLY =
  /(?:~|≈|\b(?:about|around|approx(?:\.|imately)?|roughly|nearly|almost|circa|ca\.|between|over|under|up to|less than|more than|at least|at most|etwa|rund|environ|unos|aproximadamente))[^.!?\n\d]{0,12}(?:[$€£]?[\d,.]{1,12} ?[€$£]?(?: ?[-–] ?| and | to ))?[^\w]{0,3}$/i;

/** One amount of an answer, and whether it is known yet. */
interface Stated {
  readonly amount: AmountReading;
  readonly start: number;
  /** Null for a number that nothing calls an amount: it may only help to explain others. */
  readonly mention: Mention | null;
  /** In cents, once known. */
  known: number | null;
}

/** The amounts among the mentions that were not given and do not follow from given ones. */
export function ungroundedAmounts(
  answer: string,
  mentions: readonly Mention[],
  money: SeenMoney,
): ReadonlySet<Mention> {
  const stated = statedIn(answer, mentions);
  for (const one of stated) {
    const given = givenReading(one, answer, money);
    if (given !== undefined) one.known = toCents(given);
  }
  deriveOthers(answer, stated, money);
  return new Set(
    stated.flatMap(({ mention, known }) => (mention !== null && known === null ? [mention] : [])),
  );
}

function statedIn(answer: string, mentions: readonly Mention[]): Stated[] {
  const named = mentions
    .filter(({ kind }) => kind === 'amount')
    .map((mention) => ({
      mention,
      amount: readAmount(fold(mention.text).text),
      start: mention.start,
      known: null,
    }));
  if (named.length === 0) return [];
  const folded = fold(blank(answer, mentions));
  const unnamed = findUnnamedAmounts(folded.text).map((amount) => {
    return { mention: null, amount, start: folded.originalIndex(amount.start), known: null };
  });
  return [...named, ...unnamed].sort((one, other) => one.start - other.start);
}

/** The reading that is known as it is written, or rounded as far as it says. */
function givenReading(
  { amount: { values, step }, start }: Stated,
  answer: string,
  money: SeenMoney,
): number | undefined {
  const rough = ROUGHLY.test(answer.slice(Math.max(0, start - 40), start));
  return values.find((value) => {
    const tolerance = rough ? roundedBy(value, step) / 2 : step === 1 ? 0 : step / 2;
    return value === 0 || hasNear(money.values, value, tolerance + 1e-6);
  });
}

/** 100 for 2,700: how far a rough number may be from the exact one, but at most a twentieth of it. */
function roundedBy(value: number, step: number): number {
  let by = step;
  while (by * 10 <= value / 10 && Number.isInteger(value / (by * 10))) by *= 10;
  return by;
}

/** Again and again while that finds any, because the parts of a total may have to be found first. */
function deriveOthers(answer: string, stated: readonly Stated[], money: SeenMoney): void {
  const open = stated.filter(({ known }) => known === null).slice(0, LIMITS.groundingDerivations);
  if (open.length === 0) return;
  const fixed = fixedBases(answer, stated, money);
  for (let pass = 0; pass < LIMITS.groundingPasses; pass++) {
    let found = 0;
    for (const one of open.filter(({ known }) => known === null)) {
      const bases = { ...fixed, ...knownAround(one, stated) };
      const cents = one.amount.values.map(toCents).find((value) => isDerived(value, bases, money));
      if (cents === undefined) continue;
      one.known = cents;
      found++;
    }
    if (found === 0) return;
  }
}

function fixedBases(
  answer: string,
  stated: readonly Stated[],
  money: SeenMoney,
): Omit<Bases, 'before' | 'answer'> {
  const written = new Set(stated.map(({ amount }) => toCents(amount.values[0])));
  const { amounts, spoken } = money;
  const few = amounts.length <= LIMITS.groundingSpokenAmounts;
  return {
    spoken: amounts
      .filter((one) => few || spoken.has(one) || written.has(one))
      .slice(0, LIMITS.groundingSpokenAmounts),
    sums: sumsOf(money.lists),
    totals: money.lists.map((list) => list.reduce((sum, one) => sum + one, 0)),
    counts: new Set([...money.counts, ...countsIn(fold(answer).text)]),
  };
}

/** The amounts of the answer that are known so far; those nearest before the one in question come first. */
function knownAround(one: Stated, stated: readonly Stated[]): Pick<Bases, 'before' | 'answer'> {
  const before: number[] = [];
  const after: number[] = [];
  for (const { start, known } of stated) if (known !== null) (start < one.start ? before : after).push(known);
  const nearest = [...new Set([...before.toReversed(), ...after])];
  return { before, answer: nearest.slice(0, LIMITS.groundingAnswerAmounts) };
}
