import { describe, expect, test } from 'vitest';
import { ApprovalTally, type AskedCall } from '../../../src/store/approvalStats.ts';

const OPENED_MS = 1_000_000;

function asked(
  state: string,
  more: Partial<Omit<AskedCall, 'decision'>> & { readonly tookMs?: number; readonly decision?: object } = {},
): AskedCall {
  const { tookMs = 60_000, decision = { by: 'anna' }, ...rest } = more;
  const decided = state !== 'open';
  return {
    tool: 'refund',
    state,
    openedAtMs: OPENED_MS,
    decidedAtMs: decided ? OPENED_MS + tookMs : null,
    decision: decided ? JSON.stringify(decision) : null,
    effect: null,
    approvedLater: false,
    ...rest,
  };
}

function statistics(calls: readonly AskedCall[]) {
  const tally = new ApprovalTally();
  for (const call of calls) tally.add(call);
  return tally.statistics();
}

const times = <Value>(n: number, value: Value): readonly Value[] => Array.from({ length: n }, () => value);

describe('how people decide', () => {
  test('every request is counted once, by what became of it', () => {
    const { tools, approvers, findings } = statistics([
      asked('approved', { tookMs: 1_000 }),
      asked('approved', { tookMs: 5_000 }),
      asked('void', { tookMs: 7_000 }),
      asked('rejected', { tookMs: 2_999, decision: { by: 'bert' } }),
      asked('answered', { tookMs: 9_000, decision: { by: 'anna', kind: 'edit' } }),
      asked('expired', { decision: { by: 'holdfast' } }),
      asked('withdrawn', { decision: { by: 'holdfast' } }),
      asked('open'),
      asked('open', { tool: 'mail' }),
    ]);
    expect(tools).toEqual([
      {
        tool: 'refund',
        asked: 8,
        open: 1,
        approved: 3,
        rejected: 1,
        edited: 1,
        expired: 1,
        withdrawn: 1,
        overridden: 1,
        medianMs: 5_000,
        hastyShare: 2 / 5,
        approvedShare: 3 / 5,
      },
      expect.objectContaining({
        tool: 'mail',
        asked: 1,
        open: 1,
        medianMs: null,
        hastyShare: null,
        approvedShare: null,
      }),
    ]);
    expect(approvers).toEqual([
      { by: 'anna', approved: 3, rejected: 0, edited: 1, overridden: 1, medianMs: 6_000, hastyShare: 1 / 4 },
      { by: 'bert', approved: 0, rejected: 1, edited: 0, overridden: 0, medianMs: 2_999, hastyShare: 1 },
    ]);
    expect(findings).toEqual([]);
  });

  test('each vote of a quorum counts for its person, the request once', () => {
    const votes = [
      { by: 'anna', channel: 'cli', identity: 'signed', atMs: OPENED_MS + 1_000 },
      { by: 'bert', channel: 'ui', identity: 'unverified', atMs: OPENED_MS + 9_000 },
    ];
    const { tools, approvers } = statistics([
      asked('approved', { tookMs: 9_000, decision: { by: 'bert', votes } }),
      // Anna had voted yes; Bert said no, and that closed it.
      asked('rejected', { tookMs: 4_000, decision: { by: 'bert', votes: votes.slice(0, 1) } }),
      // Rows written before votes were listed hold their number.
      asked('approved', { tookMs: 5_000, decision: { by: 'cleo', votes: 2 } }),
    ]);
    expect(tools).toMatchObject([{ asked: 3, approved: 2, rejected: 1, medianMs: 5_000 }]);
    expect(approvers).toMatchObject([
      { by: 'anna', approved: 2, rejected: 0, hastyShare: 1 },
      { by: 'bert', approved: 1, rejected: 1, medianMs: 6_500, hastyShare: 0 },
      { by: 'cleo', approved: 1 },
    ]);
  });

  test.each([
    ['a yes whose effect was refused', asked('approved', { effect: 'refused' }), 1],
    ['a yes whose effect nobody knows the outcome of', asked('approved', { effect: 'unknown' }), 1],
    ['a yes whose effect never ran', asked('approved', { effect: 'void' }), 1],
    ['a yes to terms that changed', asked('void'), 1],
    ['a no that became a yes', asked('rejected', { approvedLater: true }), 1],
    ['a yes that was done', asked('approved', { effect: 'applied' }), 0],
    ['a yes that is being done', asked('approved', { effect: 'claimed' }), 0],
    ['a no', asked('rejected'), 0],
  ])('%s: overridden or not', (_, call, overridden) => {
    expect(statistics([call])).toMatchObject({ tools: [{ overridden }], approvers: [{ overridden }] });
  });

  test.each([
    [19, 0, false],
    [20, 0, true],
    [38, 2, false],
    [39, 2, true],
    [96, 5, true],
    [95, 5, false],
  ])('%i yes and %i no: a finding against the policy: %s', (yes, no, found) => {
    const { findings } = statistics([...times(yes, asked('approved')), ...times(no, asked('rejected'))]);
    expect(findings).toEqual(
      found
        ? [expect.stringContaining(`asks for what nobody refuses: refund got a yes in ${yes} of ${yes + no}`)]
        : [],
    );
  });

  test.each([
    [10, 10, false],
    [11, 9, true],
    [19, 0, false],
  ])('%i hasty decisions and %i others: a finding about the person: %s', (hasty, others, found) => {
    const { findings } = statistics([
      ...times(hasty, asked('rejected', { tookMs: 2_999 })),
      ...times(others, asked('rejected', { tookMs: 3_000 })),
    ]);
    expect(findings).toEqual(
      found ? [`anna decides without looking: ${hasty} of 20 decisions took less than 3 s`] : [],
    );
  });

  test('a damaged decision is a decision of nobody', () => {
    const { tools, approvers } = statistics([{ ...asked('approved'), decision: '{' }]);
    expect(tools).toMatchObject([{ approved: 1 }]);
    expect(approvers).toEqual([]);
  });
});
