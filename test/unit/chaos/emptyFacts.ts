import type { Facts } from '../../chaos/facts.ts';

/** Of a run that has ended, and did nothing. */
export const EMPTY: Facts = {
  run: { state: 'ended', outcome: 'completed' },
  effects: [],
  approvals: [],
  answers: [],
  resolutions: [],
  calls: [],
  results: [],
  said: [],
  spent: { microUsd: 0, largestMicroUsd: 0 },
  evidence: [],
  acts: {},
  brokenAuditRow: null,
  incidents: [],
  held: 0,
  claimedWhileStopped: 0,
};

const KEY = 'r/1/0';

/** Of a run in which this tool acted once, and the agent was told so. */
export function paidBy(tool: string, argsHash = 'h'): Facts {
  return {
    ...EMPTY,
    effects: [{ key: KEY, tool, state: 'applied', fence: 1, approval: `${KEY}/1`, args_hash: argsHash }],
    calls: ['a'],
    results: [{ call: 'a', text: 'paid', key: KEY, tool }],
    acts: { [KEY]: 1 },
  };
}

/** A request of this kind about that effect, and boss said yes to it. */
export function requestOf(kind: string, argsHash = 'h'): Facts['approvals'][number] {
  return {
    id: `${KEY}/1`,
    key: KEY,
    kind,
    state: 'approved',
    args_hash: argsHash,
    requester: 'mara',
    openedAtMs: 1_000,
    deadlineMs: 5_000,
    decidedAtMs: 2_000,
    decided_by: 'boss',
    decided: 'approve',
    voters: ['boss'],
    evidenced: true,
    answer: null,
  };
}
