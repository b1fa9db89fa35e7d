import pc from 'picocolors';
import { expect, test } from 'vitest';
import { eventText } from '../../../src/commands/chatEvents.ts';
import { stateCell } from '../../../src/commands/reading.ts';
import { parkedAs, RUN_PHASE_NAMES, type RunPhase } from '../../../src/core/runPhases.ts';

const paint = pc.createColors(true);

test('what needs people stands out in lists, and nothing else', () => {
  const stands = (state: RunPhase) => {
    const cell = stateCell({ state, outcome: null, reason: null }, paint);
    return cell.paint(cell.text) === paint.yellow(state);
  };
  expect(RUN_PHASE_NAMES.filter(stands)).toEqual(['waiting', 'landed', 'unknown', 'paused', 'bug']);
});

test('a chat has words for every run that waits for no request', () => {
  const unasked = RUN_PHASE_NAMES.filter((name) => parkedAs(name)?.asks === false);
  expect(unasked).toEqual(['held', 'paused', 'outage', 'budget', 'bug']);
  for (const state of unasked)
    expect(eventText({ event: 'parked', state }, paint)).not.toContain(`the run is ${state}\u001b`);
});

test('a word of a newer version is no error: nothing is said of it', () => {
  expect(parkedAs('sleeping')).toBeNull();
  expect(eventText({ event: 'parked', state: 'sleeping' }, paint)).toContain('the run is sleeping');
});
