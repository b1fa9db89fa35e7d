import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { type AskedRequest, type ChatEvent, eventText } from '../../../src/commands/chatEvents.ts';
import { readSaid, readTyped, readYesNo } from '../../../src/commands/chatWords.ts';

const PLAIN = pc.createColors(false);

describe('a typed line', () => {
  test.each([
    ['  ', { kind: 'nothing' }],
    ['/close', { kind: 'command', name: 'close' }],
    [' /quit ', { kind: 'command', name: 'quit' }],
    ['/clos', { kind: 'unknown', word: '/clos' }],
    ['/close it', { kind: 'unknown', word: '/close it' }],
    ['/toString', { kind: 'unknown', word: '/toString' }],
    ['//close', { kind: 'text', text: '/close' }],
    [' hello ', { kind: 'text', text: 'hello' }],
  ])('%j is %j', (line, typed) => {
    expect(readTyped(line)).toEqual(typed);
  });

  test.each([
    ['yes', 'approve'],
    ['Y', 'approve'],
    ['yes.', 'approve'],
    ['no!', 'reject'],
    ['N', 'reject'],
    ['yes please', null],
    ['no, the other card', null],
    ['yesterday', null],
    ['', null],
    ['ja', null],
  ])('%j as an answer to a question: %s', (text, said) => {
    expect(readYesNo(text)).toBe(said);
  });
});

describe('the words of --approve-as', () => {
  const decision = (more: object) => ({ kind: 'decision', decision: more });
  test.each([
    ['call', 'a', decision({ kind: 'approve' })],
    ['call', 'approve', decision({ kind: 'approve' })],
    ['call', 'a lot of money', null],
    ['call', 'r', decision({ kind: 'reject' })],
    ['call', 'r too much of it', decision({ kind: 'reject', reason: 'too much of it' })],
    ['call', 'e {"a": 1}', decision({ kind: 'edit', arguments: { a: 1 } })],
    ['call', 'e [1]', { kind: 'bad' }],
    ['call', 'e', { kind: 'bad' }],
    ['call', 'skip', { kind: 'skip' }],
    ['call', 'skip it', null],
    ['call', 'hello', null],
    ['question', 'a the red one', decision({ kind: 'answer', answer: 'the red one' })],
    ['question', 'a', null],
    ['question', 'r not our affair', decision({ kind: 'reject', reason: 'not our affair' })],
    ['reconcile', 'happened', decision({ kind: 'answer', answer: { outcome: 'happened', result: {} } })],
    [
      'reconcile',
      'happened {"id": 7}',
      decision({ kind: 'answer', answer: { outcome: 'happened', result: { id: 7 } } }),
    ],
    ['reconcile', 'happened once', { kind: 'bad' }],
    ['reconcile', 'did-not', decision({ kind: 'answer', answer: { outcome: 'did_not' } })],
    ['reconcile', 'give-up', decision({ kind: 'answer', answer: { outcome: 'give_up' } })],
    ['reconcile', 'a', null],
    ['landing', 'c', decision({ kind: 'approve' })],
    ['landing', 's enough', decision({ kind: 'reject', reason: 'enough' })],
    ['pause', 'stop', decision({ kind: 'reject' })],
  ] as const)('on a %s, %j is %j', (kind, text, said) => {
    const read = readSaid(kind, text);
    if (said === null) expect(read).toBeNull();
    else expect(read).toMatchObject(said);
  });
});

describe('what is shown', () => {
  const request: AskedRequest = {
    id: 'r0123456789abcdef0123/3/0/1',
    kind: 'call',
    tool: 'book',
    arguments: { room: 'blue' },
    argsHash: 'abcdef0123456789',
    amount: { value: 80, currency: 'USD' },
    summary: 'book the blue room',
    reason: 'it is your money',
    quote: 'the customer insists',
    deadline: '2026-01-02T00:00:00.000Z',
    requester: 'c1',
    requesterMay: 'only',
    approvers: {},
    quorum: 1,
  };
  const asked = (of: 'you' | 'people' | 'approver', more: Partial<AskedRequest> = {}) =>
    eventText({ event: 'asked', of, request: { ...request, ...more } }, PLAIN);

  test('a question to the customer shows exactly what a yes is about, and nothing the model says', () => {
    const text = asked('you');
    for (const part of [
      'book the blue room?',
      'book {"room":"blue"} (exactly these: abcdef012345)',
      '80.00 USD',
      'yes or no',
    ])
      expect(text).toContain(part);
    expect(text).not.toContain('insists');
  });

  test('a question to others says who they are and what they type', () => {
    const text = asked('people', { requesterMay: 'not', approvers: { roles: ['manager'] }, quorum: 2 });
    expect(text).toContain('waiting for people: book the blue room');
    expect(text).toContain('2 people of: role manager');
    expect(text).toContain(`holdfast approve ${request.id} --by NAME`);
    expect(text).toContain("the model's own words, checked by nobody");
    expect(asked('approver', { requesterMay: 'not' })).toContain('a = approve');
    expect(asked('approver', { requesterMay: 'not', kind: 'landing' })).toContain('c = continue');
  });

  test.each<[ChatEvent, string]>([
    [{ event: 'answered', messageId: 'm', text: 'two\nlines', again: false }, 'agent: two\n  lines'],
    [{ event: 'answered', messageId: 'm', text: 'same', again: true }, '(answered with that)'],
    [{ event: 'parked', state: 'held' }, 'holdfast stop --list'],
    [{ event: 'parked', state: 'paused' }, 'holdfast resume'],
    [{ event: 'landed', messageId: 'm', text: 'so far' }, 'a person may let it continue, or stop it'],
    [
      { event: 'left', why: 'quit', workflowId: 'chat-1', started: true },
      'holdfast chat --workflow-id chat-1',
    ],
    [{ event: 'left', why: 'quit', workflowId: 'chat-1', started: false }, 'nothing was started'],
    [
      { event: 'ended', outcome: 'completed', reason: 'closed', answer: null, costMicroUsd: 1_500 },
      'ended: completed (closed), cost $0.0015',
    ],
    [{ event: 'help' }, '/cancel'],
  ])('%j', (event, words) => {
    expect(eventText(event, PLAIN)).toContain(words);
  });
});
