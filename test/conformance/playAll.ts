import { type Addresses, openLab } from '../e2e/lab.ts';
import {
  type DomainResults,
  type Played,
  play,
  playable,
  prepareShop,
  recordedSupportAgent,
} from './play.ts';
import type { RetailData } from './retailData.ts';

/** Conversations under way at once: two cores are busy with four. */
const AT_ONCE = 4;

/** Plays every recording on real parts; each conversation has its own copy of the shop. */
export async function playAll(options: {
  readonly addresses: Addresses;
  readonly data: RetailData;
  readonly onProgress?: (done: number, all: number) => void;
}): Promise<readonly Played[]> {
  const recordings = playable(options.data);
  const results: DomainResults = new Map();
  await using lab = await openLab({
    databaseUrl: options.addresses.databaseUrl,
    temporalAddress: options.addresses.temporalAddress,
    agents: [recordedSupportAgent(results)],
    conversations: recordings.map((recording) => recording.conversation),
  });
  await prepareShop(lab, options.data);
  const waiting = [...recordings];
  const played: Played[] = [];
  const playNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      played.push(await play(lab, options.data, next, results));
      options.onProgress?.(played.length, recordings.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, playNext));
  if (lab.model.problems.length > 0)
    played.push({
      id: 'scripted model',
      problems: lab.model.problems,
      calls: 0,
      approvals: 0,
      costMicroUsd: 0,
    });
  return played;
}
