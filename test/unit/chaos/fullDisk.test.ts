import { describe, expect, test } from 'vitest';
import { type Claim, type FullTime, judgeFull } from '../../chaos/campaigns/fullDisk.ts';

const READS = 10;
const CLAIMS: readonly Claim[] = [
  { key: 'r1/1/0', atMs: 900 },
  { key: 'r2/1/0', atMs: 5_100 },
];

function time(change: Partial<FullTime> = {}): FullTime {
  return {
    what: 'tables',
    closedAtMs: 1_000,
    fromMs: 1_100,
    untilMs: 5_000,
    acted: ['r1/1/0'],
    refused: { runTool: 3, callModel: 7 },
    reads: 12,
    unread: [],
    ...change,
  };
}

const judged = (change: Partial<FullTime>, claims = CLAIMS) => judgeFull(time(change), claims, READS);

describe('the judge of full disks', () => {
  test('lets pass what had been claimed, and what was claimed with room again', () => {
    expect(judged({})).toEqual({ problems: [], vacuous: [], underWay: 1, claimed: 0 });
  });

  test.each<[fault: string, change: Partial<FullTime>, claims: readonly Claim[], problem: RegExp]>([
    [
      'an act that nobody claimed',
      { acted: ['r9/1/0'] },
      CLAIMS,
      /r9\/1\/0 was done on a full disk, and no claim/,
    ],
    [
      'an act that was claimed afterwards',
      { acted: ['r2/1/0'] },
      CLAIMS,
      /r2\/1\/0 was done on a full disk, and/,
    ],
    [
      'an act whose claim is gone',
      {},
      [],
      /r1\/1\/0 was done on a full disk, and no claim of it was on record/,
    ],
    ['a claim', {}, [...CLAIMS, { key: 'r3/1/0', atMs: 3_000 }], /r3\/1\/0 was claimed on a full disk/],
    ['a read without an answer', { unread: ['no answer'] }, CLAIMS, /could not be read: no answer/],
  ])('finds %s', (_, change, claims, problem) => {
    expect(judged(change, claims).problems.join()).toMatch(problem);
  });

  test('expects no answer of a database that is gone', () => {
    const gone = { what: 'log', reads: 0, unread: ['refused'], refused: { callModel: 1 } } as const;
    expect(judged(gone)).toMatchObject({ problems: [], vacuous: [] });
    expect(judged({ ...gone, refused: {} }).vacuous.join()).toMatch(/no call was tried/);
  });

  test('calls too little vacuous', () => {
    expect(judged({ reads: 9 }).vacuous.join()).toMatch(/9 reads on a full disk, 10 were expected/);
    expect(judged({ refused: { callModel: 7 } }).vacuous.join()).toMatch(
      /no effect was tried on a full disk/,
    );
  });
});
