import { expect, test } from 'vitest';
import type { Archive } from '../../chaos/fleet/archive.ts';
import { replayAll } from '../../chaos/fleet/replays.ts';
import { SECRET } from '../../chaos/fleet/secrecy.ts';

// Histories without a finished workflow task: the replay says of each that there is nothing to compare, so it names those
// that were chosen.

type History = Awaited<ReturnType<ReturnType<Archive['workflow']['getHandle']>['fetchHistory']>>;

const begun = (runId: string, before = ''): NonNullable<History['events']>[number] => ({
  workflowExecutionStartedEventAttributes: { originalExecutionRunId: runId, continuedExecutionRunId: before },
});
const HISTORIES: Readonly<Record<string, History>> = {
  calm: { events: [begun('c1')] },
  retried: { events: [begun('r1'), { activityTaskStartedEventAttributes: { attempt: 2 } }] },
  moved: { events: [begun('m2', 'm1')] },
  'moved m1': { events: [begun('m1'), { workflowTaskTimedOutEventAttributes: {} }] },
  leaking: { events: [begun('l1'), { markerRecordedEventAttributes: { markerName: SECRET } }] },
};
const ARCHIVE: Archive = {
  workflow: {
    getHandle: (workflowId, runId = '') => ({
      fetchHistory: async () => HISTORIES[`${workflowId} ${runId}`] ?? HISTORIES[workflowId] ?? {},
    }),
  },
};
const chosen = async (most: number) => {
  const { problems } = await replayAll(ARCHIVE, ['calm', 'retried', 'moved'], most);
  return problems.map((problem) => /^V6: history (\w+) holds no finished/.exec(problem)?.[1]);
};

test('those that met a fault are replayed first, then in the order that was given', async () => {
  expect(await chosen(1)).toEqual(['retried']);
  expect(await chosen(2)).toEqual(['retried', 'moved']);
  expect(await chosen(4)).toEqual(['retried', 'moved', 'calm', 'moved']);
});

test('every execution is read, and a secret is found in one that is not replayed', async () => {
  expect(await replayAll(ARCHIVE, ['calm', 'moved', 'leaking'], 0)).toEqual({
    read: 4,
    replayed: 0,
    problems: ['V7: leaking: its history holds a secret'],
    differing: [],
  });
});
