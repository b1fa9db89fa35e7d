import type { temporal } from '@temporalio/proto';
import { describe, expect, test } from 'vitest';
import { recordedAfterMs } from '../../../bench/decisions/record.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
type Id = NonNullable<HistoryEvent['eventId']>;

/** The server's ids are 64 bits wide; their decimal digits are all that is compared. */
const idOf = (id: number) => String(id) as unknown as Id;
const at = (id: number, ms: number, what: Partial<HistoryEvent>): HistoryEvent => ({
  eventId: idOf(id),
  eventTime: { seconds: null, nanos: ms * 1e6 },
  ...what,
});
const scheduled = (name: string) => ({ activityTaskScheduledEventAttributes: { activityType: { name } } });
const completed = (id: number) => ({ activityTaskCompletedEventAttributes: { scheduledEventId: idOf(id) } });
const signaled = (signalName: string) => ({ workflowExecutionSignaledEventAttributes: { signalName } });

describe('when a result is on record', () => {
  const before = [at(1, 1, scheduled('pay')), at(2, 2, completed(1))];

  test('from the signal to the result of the activity that came after it', () => {
    const events = [
      ...before,
      at(3, 10, signaled('go')),
      at(4, 12, scheduled('look')),
      at(5, 13, scheduled('pay')),
      at(6, 14, completed(4)),
      at(7, 19, completed(5)),
    ];
    expect(recordedAfterMs(events, { signal: 'go', activity: 'pay' })).toBe(9);
  });

  test('without the signal, or without a result after it, there is no figure', () => {
    for (const events of [
      before,
      [...before, at(3, 10, signaled('go'))],
      [at(3, 10, signaled('go')), at(5, 13, scheduled('pay'))],
    ])
      expect(() => recordedAfterMs(events, { signal: 'go', activity: 'pay' })).toThrow('no result of pay');
  });
});
