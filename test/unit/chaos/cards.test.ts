import { expect, test } from 'vitest';
import { type Desk, readCards } from '../../chaos/fleet/cards.ts';
import { SECRET } from '../../chaos/fleet/secrecy.ts';

const CARDS: Readonly<Record<string, string>> = { clean: 'waits for boss', leaking: `pays with ${SECRET}` };
const desk = (...rss: readonly (number | null)[]): Desk => ({
  client: {
    workflow: {
      getHandle: (workflowId) => ({
        query: async () => {
          const currentDetails = CARDS[workflowId];
          if (currentDetails === undefined) throw new Error('nobody answers');
          return { currentDetails };
        },
      }),
    },
  },
  workers: rss.map((bytes) => ({ rssBytes: () => bytes })),
});

test('a secret on a card is found, and what nobody shows is not counted as read', async () => {
  const workflowIds = ['clean', 'leaking', 'silent'];
  expect(await readCards(desk(null, 1), workflowIds)).toEqual({ asked: 3, read: 2, leaking: ['leaking'] });
});

test('without a living worker nobody is asked', async () => {
  expect(await readCards(desk(null), ['leaking'])).toEqual({ asked: 0, read: 0, leaking: [] });
});
