/** A fault to plant in the compiled workflows: `from` is found there once and becomes `to`. */
export interface Fault {
  readonly from: RegExp;
  readonly to: string;
}

/** What the reference has to notice, by what would go wrong. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'a decision that came too late counts': {
    from: /if \(nowMs >= record\.deadlineMs\) return 'too_late';/,
    to: '',
  },
  'one person makes a quorum': {
    from: /vote\.by === decision\.by\)\) return 'already_voted';/,
    to: 'vote.by === decision.by)) {}',
  },
  'the first of several votes is enough': {
    from: /votes\.length < record\.quorum/,
    to: 'votes.length < 1',
  },
  'the requester decides on their own request': {
    from: /if \(record\.requesterMay === 'not' && own\) return 'own_request';/,
    to: '',
  },
  'a role that is gone still counts': {
    from: /people\.includes\(by\) \|\| roles\.some\(\(role\)=>named\.includes\(role\)\)/,
    to: 'people.includes(by) || named.length > 0',
  },
  'silence approves': {
    from: /kind: 'expired',\s+atMs: nowMs/,
    to: "kind: 'approved', decision: { approval: record.id, kind: 'approve', by: 'holdfast', channel: '' }, identity: 'signed',\n            atMs: nowMs",
  },
  'an edit needs nobody who approves it': {
    from: /stale: false,\s+verdict: null,\s+approval: null,/,
    to: "stale: false,\n        verdict: { rule: 'edited', answer: { kind: 'allow' } },\n        approval: null,",
  },
  'what was approved runs although its terms have changed': {
    from: /stale: true,\s+verdict: null,\s+approval: null/,
    to: 'stale: false',
  },
  'what the customer withdrew is done all the same': {
    from: /kind: 'withdrawn',\s+atMs: nowMs/,
    to: "kind: 'approved', decision: { approval: record.id, kind: 'approve', by: 'bo', channel: '' }, identity: 'signed', atMs: nowMs",
  },
  'whom it was escalated to is refused': {
    from: /isEverybody\(record\.approvers\) \? record\.approvers : join\(record\.approvers, others\)/,
    to: 'true ? record.approvers : null',
  },
  'reminders come again and again': {
    from: / {12}reminders,\s+escalation,\s+approvers/,
    to: '            escalation,\n            approvers',
  },
  'a paused run starts an effect': {
    from: /if \(run\.state\.paused !== null\) \{/,
    to: 'if (run.state.paused !== null && run.state.turn === null) {',
  },
  'a decision in time is not waited for while it is verified': {
    from: /if \(waiting\.length === 0\) return record\.deadlineMs;/,
    to: 'return record.deadlineMs;',
  },
  'what was read late counts from when it was read': {
    from: /control\.late \? /,
    to: 'false ? ',
  },
  'votes are lost in a move': {
    from: /continueAsNew\)\(input, run\.state\)/,
    to: 'continueAsNew)(input, JSON.parse(JSON.stringify(run.state).replace(/"votes":\\[[^\\]]+\\]/g, \'"votes":[]\')))',
  },
  'after a move a person may vote again': {
    from: /continueAsNew\)\(input, run\.state\)/,
    to: 'continueAsNew)(input, JSON.parse(JSON.stringify(run.state).replace(/"votes":\\[\\{"by":"/g, \'"votes":[{"by":"formerly \')))',
  },
  'what people said just before a move is not written down': {
    from: /continueAsNew\)\(input, run\.state\)/,
    to: 'continueAsNew)(input, Object.assign({}, run.state, { unrecorded: [] }))',
  },
  'what was decided during a move is not looked at': { from: /dirty: true,\n/, to: 'dirty: false,\n' },
  'an end leaves calls without a result': {
    from: /if \(!\(\(.*\) return broken;/,
    to: 'return broken;',
  },
  'an effect of which nobody knows is done once more': {
    from: /if \(call\.reconcile !== null\) return false;/,
    to: '',
  },
  'effects run in any order': { from: /!\(effect && openBefore\)/, to: 'true' },
};
