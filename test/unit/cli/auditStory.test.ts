import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AuditRow } from '../../../src/store/audit.ts';
import { SENTENCES, type Story, tell } from '../../../src/store/auditStory.ts';

const RUN = 'r0123456789abcdef0123';
const KEY = `${RUN}/3/0`;
const APPROVAL = `${KEY}/1`;
const STORY: Story = {
  run: RUN,
  rows: [],
  summaries: { [APPROVAL]: 'refund 5 USD' },
  tools: { [KEY]: 'refund' },
};

function row(event: string, facts: object | string, key = KEY): AuditRow {
  const text = typeof facts === 'string' ? facts : JSON.stringify(facts);
  return { seq: 1, at_us: 0, event, key, facts: text, hash: 'h' };
}

const ANNA = { approval: APPROVAL, by: 'anna', channel: 'cli', identity: 'signed' };

describe('the story of an audit', () => {
  test.each([
    [
      'approval_opened',
      { approval: APPROVAL, kind: 'call', deadlineMs: 0 },
      'people are asked for a yes to: “refund 5 USD” (request 3/0/1), until 1970-01-01 00:00:00 UTC',
    ],
    [
      'approval_approved',
      { ...ANNA, reason: 'fine' },
      'anna (cli, signed) said yes to “refund 5 USD” (request 3/0/1), because: fine',
    ],
    [
      'approval_approved',
      {
        ...ANNA,
        votes: [
          { by: 'bert', channel: 'ui', identity: 'unverified', atMs: 1 },
          { by: 'anna', channel: 'cli', identity: 'signed', atMs: 2 },
        ],
      },
      'anna (cli, signed) said yes to “refund 5 USD” (request 3/0/1) (votes: bert (ui, unverified); anna (cli, signed))',
    ],
    [
      'approval_rejected',
      { ...ANNA, votes: 0 },
      'anna (cli, signed) said no to “refund 5 USD” (request 3/0/1)',
    ],
    ['approval_answered', { ...ANNA, kind: 'edit' }, 'changed the arguments of'],
    ['approval_expired', { approval: APPROVAL, by: 'holdfast' }, 'nobody decided in time on “refund 5 USD”'],
    [
      'approval_escalated',
      { approval: APPROVAL, to: { people: ['cleo'], roles: ['lead'] } },
      'cleo, role lead may decide now too',
    ],
    ['vote', ANNA, 'anna (cli, signed) voted yes on “refund 5 USD”'],
    [
      'decision_refused',
      { ...ANNA, kind: 'approve', why: 'too_late' },
      'approve of anna (cli, signed) on “refund 5 USD” (request 3/0/1) did not count: too_late',
    ],
    [
      'decision_refused',
      { by: 'max', channel: 'api', signal: 'resume', why: 'unsigned' },
      'resume of max (api) did not count: unsigned',
    ],
    [
      'effect_claimed',
      { tool: 'refund', argsHash: 'abcdef0123456789', fence: 2, approval: APPROVAL },
      'refund (3/0) begins, attempt 2, arguments abcdef01, with a person’s yes',
    ],
    ['effect_applied', { fence: 1 }, 'refund (3/0) was done'],
    [
      'effect_late',
      { fence: 1, said: 'applied', stands: 'unknown' },
      'attempt 1 of refund (3/0) said “applied” after its time; what stands is “unknown”',
    ],
    [
      'effect_unknown',
      { why: 'attempt lost' },
      'nobody knows whether refund (3/0) happened, because: attempt lost',
    ],
    ['effect_resolved', { by: 'anna', said: 'applied' }, 'anna said that refund (3/0) happened'],
    ['effect_resolved', { by: 'anna', said: 'void' }, 'anna said that refund (3/0) did not happen'],
    ['effect_resolved', { by: 'anna', said: 'given_up' }, 'anna gave up finding out about refund (3/0)'],
    [
      'effect_word_refused',
      { by: 'anna', said: 'void', stands: 'applied', why: 'it is applied' },
      'anna said that refund (3/0) did not happen, which did not count, because: it is applied',
    ],
    ['steer_raiseLimit', { by: 'anna', tokens: 500 }, 'anna raised the limits by tokens 500'],
    [
      'run_ended',
      { outcome: 'completed', reason: 'idle', costMicroUsd: 5_000 },
      'the run ended: completed, because: idle, cost $0.0050',
    ],
    ['channel_moved', { from: null, to: 'abcdef0123', by: 'anna' }, 'anna moved the channel'],
  ])('%s is told in words', (event, facts, words) => {
    expect(tell(STORY, row(event, facts)).words).toContain(words);
  });

  test.each(Object.keys(SENTENCES))('%s is a sentence whatever its facts are', (event) => {
    const broken = [
      '{}',
      '{',
      '[]',
      'null',
      '{"by":{},"votes":[1,null,{}],"to":7,"deadlineMs":1e300,"approval":"__proto__"}',
    ];
    for (const facts of broken) {
      const { words } = tell(STORY, row(event, facts, 'constructor'));
      expect(words).not.toMatch(/undefined|null|\[object/);
      expect(words.length).toBeGreaterThan(10);
    }
  });

  test.each(['constructor', 'toString', '__proto__', 'event_of_next_year'])(
    'an event that is not in the list (%s) is shown as it is, and stands out',
    (event) => {
      expect(tell(STORY, row(event, { a: 1 }))).toEqual({ words: `${event} ${KEY} {"a":1}`, grave: true });
    },
  );

  test('incidents, unknown outcomes and refused decisions stand out', () => {
    const grave = Object.keys(SENTENCES).filter((event) => tell(STORY, row(event, {})).grave);
    expect(grave.sort()).toEqual([
      'decision_refused',
      'effect_mismatch',
      'effect_not_approved',
      'effect_unknown',
      'effect_word_refused',
      'incident_applied_after_refused',
      'incident_applied_after_void',
      'incident_second_applied',
    ]);
  });

  test('every event that the source writes has its sentence', () => {
    const folder = new URL('../../../src/', import.meta.url).pathname;
    const written = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|sql)$/.test(name))
      .flatMap((name) => [
        ...readFileSync(join(folder, name), 'utf8').matchAll(
          /audit_(?:append|once)\([^,;]*,\s*'([a-z_]+[a-z])'/g,
        ),
      ])
      .map((match) => match[1] ?? '');
    expect(new Set(written).size).toBeGreaterThan(8);
    expect(written.filter((event) => !Object.hasOwn(SENTENCES, event))).toEqual([]);
  });
});
