import { describe, expect, test } from 'vitest';
import { createLogNotifier, noticeText } from '../../../src/notices/log.ts';
import { NOTICE_TYPES, type Notice } from '../../../src/store/notices.ts';

const DATA = {
  approval: 'r0/1/0/1',
  run: 'r0',
  workflowId: 'wf',
  agent: 'support',
  summary: 'refund order #W1',
  deadline: '2030-01-01T12:00:00.000Z',
  approvers: { people: ['anna'], roles: ['manager'] },
  requesterMay: 'not',
  state: 'approved',
  by: 'anna',
  queue: 'support',
  escalatedTo: 'support-escalation',
  acceptedBy: 'bert',
  breaker: 'tool:wf_note',
  why: '9 of 10 calls failed',
};

describe('the log', () => {
  test('has one line for every kind of notice, each different', async () => {
    const lines: string[] = [];
    const log = createLogNotifier((line) => lines.push(line));
    for (const type of NOTICE_TYPES) {
      const notice: Notice = { id: 'msg_1', type, body: '', data: { ...DATA, summary: 'two\nlines' } };
      expect(await log.deliver(notice, new AbortController().signal)).toEqual({ kind: 'delivered' });
    }
    expect(new Set(lines).size).toBe(NOTICE_TYPES.length);
    for (const line of lines) {
      expect(line).not.toContain('\n');
      expect(line).not.toContain('?');
      expect(line).toMatch(/^notice: .*wf/);
    }
  });

  test.each([
    ['approval.opened', {}, 'waits for anna, role manager until 2030-01-01T12:00:00.000Z'],
    ['approval.opened', { approvers: { people: [], roles: [] } }, 'waits for anybody'],
    ['approval.opened', { requesterMay: 'only' }, 'waits for the requester'],
    ['approval.closed', {}, 'approved by anna: approval r0/1/0/1 of wf: refund order #W1'],
    ['approval.closed', { state: 'expired', by: null }, 'expired: approval'],
    ['handover.reminder', { escalatedTo: null }, 'nobody in support has'],
    ['handover.reminder', {}, 'nobody in support-escalation has'],
    ['handover.accepted', {}, 'accepted by bert: run r0 (wf)'],
  ] as const)('%s with %o: %s', (type, different, words) => {
    expect(noticeText({ type, data: { ...DATA, ...different } })).toContain(words);
  });

  test('a terminal that is gone is tried again', async () => {
    const log = createLogNotifier(() => {
      throw new TypeError('closed');
    });
    const notice: Notice = { id: 'msg_1', type: 'approval.opened', body: '', data: DATA };
    expect(await log.deliver(notice, new AbortController().signal)).toEqual({
      kind: 'retry',
      why: 'could not be written (TypeError)',
    });
  });
});
