import { createRouter, type Intent } from '../../src/guards/scope.ts';
import { cpuMs, partOf, readLines, sharedFolder } from './sharedData.ts';

/** What a router does that learned from four fifths of a set, with the other fifth. Shares are 0 to 1. */
export interface ScopeRow {
  readonly set: string;
  readonly intents: number;
  /** Learned from; `outside` of them belong to no intent. */
  readonly examples: number;
  readonly outside: number;
  readonly texts: number;
  /** In-scope texts whose best intent is the right one, whether or not it was turned away. */
  readonly accuracy: number;
  /** In-scope texts that were routed, and rightly. */
  readonly routed: number;
  /** In-scope texts that were turned away. */
  readonly falseRejections: number;
  /** Out-of-scope texts that were turned away; null where the set has none. */
  readonly outsideRecall: number | null;
  /** Processor time, as below. */
  readonly buildMs: number;
  readonly msPerText: number;
}

interface Labelled {
  readonly text: string;
  readonly label: string;
}

const OUTSIDE = 'oos';
const PARTS = 5;
/** What an author may write by hand for each intent. */
const FEW = 12;

/** All sets, or those that are named; null when the data are not there. */
export function measureScope(names?: readonly string[]): readonly ScopeRow[] | null {
  const folder = sharedFolder('routing');
  if (folder === null) return null;
  const banking = readLines<Labelled>(new URL('banking77.train.jsonl', folder));
  const clinc = readLines<Labelled>(new URL('clinc.dev.jsonl', folder));
  const cases: readonly ScopeCase[] = [
    { set: 'banking77', texts: banking },
    { set: `banking77, ${FEW} examples an intent`, texts: banking, few: FEW },
    { set: 'clinc', texts: clinc },
    { set: 'clinc, told what is outside', texts: clinc, toldOutside: true },
    { set: `clinc, ${FEW} examples an intent`, texts: clinc, few: FEW },
  ];
  return cases.filter(({ set }) => names?.includes(set) ?? true).map((one) => measure(one));
}

export interface ScopeCase {
  readonly set: string;
  readonly texts: readonly Labelled[];
  readonly few?: number;
  readonly toldOutside?: boolean;
}

export function measure({ set, texts, few, toldOutside }: ScopeCase, create = createRouter): ScopeRow {
  const isHeldOut = ({ text }: Labelled) => partOf(text, PARTS) === 0;
  const learned = texts.filter((one) => !isHeldOut(one));
  const outside = toldOutside ? learned.filter(({ label }) => label === OUTSIDE).map(({ text }) => text) : [];
  const intents = intentsOf(learned, few);
  const startedAtMs = cpuMs();
  const router = create(intents, { outside });
  const builtAtMs = cpuMs();
  const asked = texts.filter(isHeldOut).map((one) => ({ ...one, routed: router.route(one.text) }));
  const msPerText = (cpuMs() - builtAtMs) / asked.length;
  const inside = asked.filter(({ label }) => label !== OUTSIDE);
  const beyond = asked.filter(({ label }) => label === OUTSIDE);
  const share = <T>(all: readonly T[], holds: (one: T) => boolean) => all.filter(holds).length / all.length;
  return {
    set,
    intents: intents.length,
    examples: intents.reduce((sum, { examples }) => sum + examples.length, outside.length),
    outside: outside.length,
    texts: asked.length,
    accuracy: share(inside, ({ label, routed }) => routed.alternatives[0]?.intent === label),
    routed: share(inside, ({ label, routed }) => routed.intent === label),
    falseRejections: share(inside, ({ routed }) => routed.intent === null),
    outsideRecall: beyond.length === 0 ? null : share(beyond, ({ routed }) => routed.intent === null),
    buildMs: builtAtMs - startedAtMs,
    msPerText,
  };
}

function intentsOf(texts: readonly Labelled[], few = Number.POSITIVE_INFINITY): readonly Intent[] {
  const byName = new Map<string, string[]>();
  for (const { text, label } of texts) {
    if (label === OUTSIDE) continue;
    const examples = byName.get(label) ?? [];
    if (examples.length < few) byName.set(label, [...examples, text]);
  }
  return [...byName].map(([name, examples]) => ({ name, examples }));
}
