import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ApprovalRecord,
  decideApproval,
  parseDecision,
  parseReconciliation,
} from '../../../src/core/approvals.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { NAME_PLACEHOLDER } from '../../../src/core/names.ts';
import type { RunPhase } from '../../../src/core/runPhases.ts';
import { parseStart } from '../../../src/core/start.ts';
import { NOTHING, newState, openTurn, type RunState } from '../../../src/core/state.ts';
import { card } from '../../../src/workflows/card.ts';
import { approvalRecord, callState, preparedCall, RAN, RUN } from '../core/builders.ts';

/** Everything on a card that somebody else wrote. */
interface Others {
  readonly summary: string;
  readonly reason: string;
  readonly requester: string;
  readonly approver: string;
  readonly voter: string;
  readonly tool: string;
  readonly currency: string;
}

const standing = (shownPhase: RunPhase, state: RunState): RunState => ({ ...state, shownPhase });

function stateOf(others: Others, calls: number): RunState {
  const parsed = parseStart({ v: 1, agent: 'support', requester: { id: 'customer' } });
  if (parsed.kind !== 'ok') throw new Error(parsed.problems.join());
  const state = newState(RUN, {
    ...parsed.start,
    requester: { id: others.requester, tenant: null, roles: [] },
  });
  const step = {
    n: 1,
    said: null,
    calls: Array.from({ length: calls }, (_, i) =>
      callState('refund_order', i, {
        prepared: preparedCall('refund_order', i, { summary: others.summary }),
        outcome: i === 0 ? null : RAN,
      }),
    ),
  };
  return { ...state, nextStep: 2, turn: { ...openTurn(['m'], NOTHING), step } };
}

function recordOf(others: Others, kind: ApprovalRecord['kind'] = 'call'): ApprovalRecord {
  return approvalRecord({
    kind,
    summary: others.summary,
    reason: others.reason,
    tool: others.tool,
    amount: { value: 42.5, currency: others.currency },
    requester: others.requester,
    payee: others.summary,
    quote: others.reason,
    origins: [{ field: others.summary, kind: 'recipient', from: 'untrusted', tool: others.tool }],
    terms: { seen: others.summary },
    formerTerms: { seen: others.reason },
    approvers: { people: [others.approver], roles: [others.approver] },
    quorum: 2,
    votes: [{ by: others.voter, channel: 'ui', identity: 'unverified', atMs: 1 }],
  });
}

const draw = (others: Others): string =>
  card(standing('waiting', stateOf(others, 2)), '', [recordOf(others)]);

const all = (text: string): Others => ({
  summary: text,
  reason: text,
  requester: text,
  approver: text,
  voter: text,
  tool: text,
  currency: text,
});

/** What is not inline code, and how many lines there are. Of `code spans` only the marks are left. */
const outsideCode = (drawn: string): string => drawn.replace(/`[^`\n]+`/g, '`…`');
const PLAIN = outsideCode(draw(all('plain')));

const pieces = fc.constantFrom(
  ...[
    '`',
    '``',
    '```',
    '\\',
    '\\`',
    '$',
    '$$',
    '\n',
    '\n\n',
    '\r',
    '\u2028',
    ' ',
    '# ',
    '- ',
    '> ',
    '1. ',
    '* ',
  ],
  ...[
    '**',
    '_',
    '~~',
    '|',
    '\n|-|',
    '---',
    '<b>',
    '</code>',
    '<script>',
    '<!--',
    '&lt;',
    '[x](',
    ')',
    '![',
    ']:',
  ],
  ...[
    'http://evil.example',
    'www.evil.example',
    'a@b.example',
    '(c)',
    '"',
    "'",
    '--',
    '...',
    '\u200b',
    '\u202e',
    'pay',
  ],
);
const hostile = fc.oneof(
  fc.array(pieces, { maxLength: 20 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 30 }),
);
const others: fc.Arbitrary<Others> = fc.record({
  summary: hostile,
  reason: hostile,
  requester: hostile,
  approver: hostile,
  voter: hostile,
  tool: hostile,
  currency: hostile,
});

describe('P13 text of others on the card', () => {
  test('stands in inline code, each in one piece, and changes nothing around it', () => {
    fc.assert(
      fc.property(others, (texts) => {
        expect(outsideCode(draw(texts))).toBe(PLAIN);
      }),
      { numRuns: 3_000 },
    );
  });

  test('the property finds text that is only escaped, and text that keeps its line breaks', () => {
    const escaped = (text: string) => text.replace(/[\\`*_[\]<>#|!~]/g, (mark) => `\\${mark}`);
    const finds = (drawn: (text: string) => string) =>
      fc.check(
        fc.property(hostile, (text) => expect(outsideCode(drawn(text))).toBe(outsideCode(drawn('plain')))),
        { numRuns: 3_000, seed: 1 },
      ).failed;
    expect(finds((text) => `Why: ${escaped(text)}`)).toBe(true);
    expect(finds((text) => `Why: \`${text.replaceAll('`', "'")}\``)).toBe(true);
  });

  test('hides nothing: what cannot be seen is named', () => {
    const drawn = draw({ ...all('plain'), summary: 'pay \u202ebob\u200b\u200b\u{e0041}, not al\u00adice' });
    expect(drawn).toContain('`pay [U+202E]bob[U+200B +2], not al[U+00AD]ice`');
    fc.assert(
      fc.property(others, (texts) => {
        expect(draw(texts)).not.toMatch(/[\p{Cf}\p{Default_Ignorable_Code_Point}]|(?!\n)\p{Cc}/u);
      }),
      { numRuns: 1_000 },
    );
  });

  test('of 100 KB each leaves a card of bounded size, and whole signals on it', () => {
    for (const text of ['\ud83d\ude00', '`$<b>', '\u202e'].map((part) => part.repeat(100 * 1024))) {
      const records = Array.from({ length: LIMITS.openApprovals }, () => recordOf(all(text), 'reconcile'));
      const drawn = card(standing('unknown', stateOf(all(text), LIMITS.callsPerStep)), text, records);
      expect(drawn.length).toBeLessThan(48 * 1024);
      for (const line of signalsOn(drawn)) expect(() => JSON.parse(line)).not.toThrow();
      const shown = drawn.match(/^#### Look/gm)?.length ?? 0;
      const more = Number(/\*\*(\d+) more\*\*/.exec(drawn)?.[1] ?? 0);
      expect(shown + more).toBe(LIMITS.openApprovals);
      expect(more > 0).toBe(drawn.length > LIMITS.cardChars);
    }
  });
});

function signalsOn(drawn: string): string[] {
  return [...drawn.matchAll(/^\*\*.*:\*\* `(\{"approval".*\})`$/gm)].map((match) => match[1] ?? '');
}

describe('the signals to paste', () => {
  const ANYBODY = { identity: 'unverified', roles: ['plain'] } as const;

  test.each([
    ['call', ['approved', 'rejected']],
    ['landing', ['approved', 'rejected']],
    ['pause', ['approved', 'rejected']],
    ['question', ['answered', 'rejected']],
    ['reconcile', ['answered', 'answered', 'answered']],
  ] as const)('of a %s request count once a name is filled in, and not before', (kind, states) => {
    const record = {
      ...recordOf(all('plain'), kind),
      requester: 'somebody else',
      quorum: 1,
      votes: [],
      deadlineMs: 10,
    };
    const lines = signalsOn(card(standing('waiting', stateOf(all('plain'), 1)), '', [record]));
    expect(lines).toHaveLength(states.length);
    const decisions = lines.map((line) => {
      expect(parseDecision(JSON.parse(line))).toBeNull();
      const decision = parseDecision(JSON.parse(line.replace(NAME_PLACEHOLDER, 'Ada')));
      if (decision === null) throw new Error(`not a decision: ${line}`);
      expect(decision).toMatchObject({ approval: record.id, by: 'Ada', channel: 'ui' });
      if (kind === 'reconcile') expect(parseReconciliation(decision.answer)).not.toBeNull();
      return decision;
    });
    expect(
      decisions.map((decision) => {
        const outcome = decideApproval(record, decision, ANYBODY, 1);
        return outcome.kind === 'refused' ? outcome.why : outcome.record.state.kind;
      }),
    ).toEqual(states);
  });

  test('without a request there is nothing to paste, and the card says what the run waits for', () => {
    const drawn = card(standing('paused', stateOf(all('plain'), 0)), 'resume (paused by ada)', []);
    expect(drawn).toContain('### Paused\n\nWaits for `resume (paused by ada)`');
    expect(drawn).not.toContain('decide');
  });
});

test('a single call that is asked about is not listed again; several are, with what became of each', () => {
  const one = card(standing('waiting', stateOf(all('plain'), 1)), '', [recordOf(all('plain'))]);
  expect(one).not.toContain('This step');
  const refused = { kind: 'refused', code: 'not_approved', text: '' } as const;
  const state = stateOf(all('plain'), 2);
  const calls = [callState('a', 0, { outcome: RAN }), callState('b', 1, { outcome: refused })];
  const turn = state.turn && { ...state.turn, step: { n: 1, said: null, calls } };
  expect(card({ ...state, turn }, '', [])).toContain(
    '#### This step\n\n- `a`: success\n- `b`: not run (not approved)',
  );
});

test('a step with more calls than fit is shown in part, and the rest is counted', () => {
  const others = {
    summary: 'look',
    reason: '',
    requester: 'customer',
    approver: '',
    voter: '',
    tool: '',
    currency: '',
  };
  const drawn = card(stateOf(others, LIMITS.callsPerStep + 7), '', []);
  expect(drawn.match(/^- `look`/gm)).toHaveLength(LIMITS.callsPerStep);
  expect(drawn).toContain('- and 7 more');
});
