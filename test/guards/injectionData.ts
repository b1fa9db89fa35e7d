import type { TextOrigin } from '../../src/guards/injection.ts';
import { partOf, readLines, sharedFolder } from './sharedData.ts';

/** A text, where it is met, and whether somebody attacks with it. */
export interface GuardText {
  readonly text: string;
  readonly attack: boolean;
  readonly source: string;
  readonly where: TextOrigin;
  /** Of a planted text: what was planted. Without it the whole text was written by one hand. */
  readonly planted?: string;
  /** Texts of one family are learned or measured together. */
  readonly family: string;
  /** Never learned from, only measured. */
  readonly unlearned?: boolean;
}

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly tool_use_id?: string;
  readonly content?: string;
}

interface Recorded {
  readonly user_task?: string;
  readonly injected_text?: string | null;
  readonly injected_results?: readonly string[];
  readonly turns: readonly { readonly role: string; readonly content: readonly Block[] }[];
}

interface Labelled {
  readonly text: string;
  readonly label: string;
  readonly source: string;
  readonly category?: string;
}

/** One in so many of the requests is learned as harmless; another one is measured. */
const REQUEST_PARTS = 10;

/** Null when the data are not there. */
export function readInjectionData(): readonly GuardText[] | null {
  const injection = sharedFolder('injection');
  const routing = sharedFolder('routing');
  const retail = sharedFolder('retail');
  if (injection === null || routing === null || retail === null) return null;
  const labelled = readLines<Labelled>(new URL('filter.dev.jsonl', injection));
  const dojo = readLines<Recorded>(new URL('agentdojo.dev.jsonl', injection));
  const shop = readLines<Recorded>(new URL('recordings.train.jsonl', retail));
  const records = [
    ...harmless(cleanResults(dojo), 'agentdojo results', 'tool'),
    ...harmless(cleanResults(shop), 'retail results', 'tool'),
  ];
  const openly = dojo.filter(({ user_task }) => !user_task?.startsWith('injection_task'));
  return [
    ...labelled.filter(({ category }) => !isPlanted(category)).map(bare),
    ...labelled.filter(({ category }) => isPlanted(category)).map((one) => planted(one, records)),
    ...attackedResults(dojo),
    ...records,
    ...harmless(distinct(openly.flatMap(firstWords)), 'agentdojo tasks', 'user'),
    ...harmless(distinct(shop.flatMap(userWords)), 'retail customers', 'user'),
    ...['banking77.train.jsonl', 'clinc.dev.jsonl'].flatMap((name) => requests(new URL(name, routing))),
  ];
}

const NOT_PLANTED = /Queries$|^Virtual Creation$|^Multilingual/;

function isPlanted(category: string | undefined): boolean {
  return category !== undefined && !NOT_PLANTED.test(category);
}

function bare({ text, label, source }: Labelled): GuardText {
  return { text, attack: label === 'injection', source, where: 'user', family: text };
}

/** An attack of this kind is one only inside of somebody else's record: at its start, its end, or in a field. */
function planted({ text, source, category }: Labelled, records: readonly GuardText[]): GuardText {
  const carrier = records[partOf(`carrier ${text}`, records.length)]?.text ?? '';
  const quoted = JSON.stringify(text).slice(1, -1);
  const places = [
    `${text}\n${carrier}`,
    `${carrier}\n${text}`,
    carrier.startsWith('{') ? `${carrier.slice(0, -1)}, "note": "${quoted}"}` : `${carrier}\n- body: ${text}`,
  ];
  return {
    text: places[partOf(`place ${text}`, places.length)] ?? text,
    attack: true,
    source,
    where: 'tool',
    planted: text,
    family: category ?? text,
  };
}

function cleanResults(recordings: readonly Recorded[]): readonly string[] {
  const attacked = new Set(attackedResults(recordings).map(({ text }) => text));
  return distinct(
    recordings.flatMap(({ turns, injected_results }) =>
      results(turns)
        .filter(({ tool_use_id }) => !injected_results?.includes(tool_use_id ?? ''))
        .map(({ content }) => content ?? ''),
    ),
  ).filter((text) => text.length > 3 && !attacked.has(text));
}

function attackedResults(recordings: readonly Recorded[]): readonly GuardText[] {
  const found = new Map<string, GuardText>();
  for (const { turns, injected_results, injected_text } of recordings) {
    for (const { tool_use_id, content } of results(turns)) {
      if (!content || !injected_text || !injected_results?.includes(tool_use_id ?? '')) continue;
      const family = 'agentdojo attacks';
      // One wording in all runs: learned from, it would measure itself.
      found.set(content, {
        text: content,
        attack: true,
        source: family,
        where: 'tool',
        family,
        unlearned: true,
      });
    }
  }
  return [...found.values()];
}

function results(turns: Recorded['turns']): readonly Block[] {
  return turns.flatMap(({ content }) => content).filter(({ type }) => type === 'tool_result');
}

function firstWords({ turns }: Recorded): readonly string[] {
  return (turns[0]?.content ?? []).flatMap(({ text }) => text ?? []);
}

function userWords({ turns }: Recorded): readonly string[] {
  return turns
    .filter(({ role }) => role === 'user')
    .flatMap(({ content }) => content)
    .flatMap(({ text }) => text ?? []);
}

function harmless(texts: readonly string[], source: string, where: TextOrigin): readonly GuardText[] {
  return texts.map((text) => ({ text, attack: false, source, where, family: text }));
}

function requests(file: URL): readonly GuardText[] {
  const source = file.pathname.replace(/^.*\/(\w+)\..*$/, '$1');
  return readLines<Labelled>(file).flatMap(({ text }) => {
    const part = partOf(text, REQUEST_PARTS);
    if (part > 1) return [];
    return { text, attack: false, source, where: 'user' as const, family: text, unlearned: part === 1 };
  });
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
