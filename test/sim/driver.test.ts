import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type ActivityHandler,
  type Bundle,
  bundleWorkflows,
  continueAsNew,
  ReplayDivergence,
  Simulation,
  type SimulationOptions,
  WorkflowTaskFailure,
} from './driver.ts';

const START_MS = Date.UTC(2030, 0, 1);

let bundle: Bundle;

beforeAll(async () => {
  bundle = await bundleWorkflows(fileURLToPath(new URL('fixtures/workflows.ts', import.meta.url)));
}, 60_000);

/** Every simulation here is compared with a replay after each activation, so each test checks determinism too. */
function simulate(workflowType: string, more: Partial<SimulationOptions> = {}): Simulation {
  return new Simulation({
    bundle,
    workflowType,
    args: [],
    startTimeMs: START_MS,
    seed: 1,
    activities: {},
    crashEveryActivation: true,
    ...more,
  });
}

describe('bundling', () => {
  test('the same file is bundled once', async () => {
    expect(await bundleWorkflows(bundle.workflowsPath)).toBe(bundle);
  });

  test('a workflow that imports Node is refused by name', async () => {
    const path = fileURLToPath(new URL('fixtures/forbidden.ts', import.meta.url));
    const error = await bundleWorkflows(path).catch((reason: unknown) => reason);
    expect(String(error)).toContain('could not be bundled');
    expect(String(error)).toContain('ERROR in node:fs');
    expect(String(error)).toContain('@ ./test/sim/fixtures/forbidden.ts');
  }, 60_000);
});

describe('time', () => {
  test('a timer fires at its own time and no sooner', async () => {
    await using simulation = simulate('twoSleeps');
    await simulation.deliver();
    expect(simulation.pendingTimers).toEqual([
      { seq: 1, summary: 'first nap', startedAtMs: START_MS, firesAtMs: START_MS + 5_000 },
    ]);
    await simulation.advanceBy(4_999);
    expect(simulation.activations).toBe(1);
    await simulation.advanceBy(120_000);
    expect(simulation.result).toEqual({ kind: 'completed', value: [5_000, 65_000] });
    expect(simulation.nowMs).toBe(START_MS + 124_999);
    expect(simulation.activations).toBe(3);
  });

  test('a run that never settles is stopped by a bound', async () => {
    await using simulation = simulate('endless', { maxStepsPerCall: 100 });
    await expect(simulation.advanceBy(10_000_000)).rejects.toThrow('did not settle within 100 steps');
  });

  test('history counts every event a server would write', async () => {
    await using simulation = simulate('twoSleeps');
    await simulation.deliver();
    // Started, task scheduled, task started, task completed, timer started.
    expect(simulation.historyLength).toBe(5);
    await simulation.advanceBy(5_000);
    // Timer fired, three of the task, the next timer.
    expect(simulation.historyLength).toBe(10);
  });
});

describe('messages', () => {
  test('signals sent before the start are in the first activation, in order', async () => {
    await using simulation = simulate('collectNotes');
    simulation.signal('note', 'a');
    simulation.signal('note', 'b');
    await simulation.deliver();
    expect(await simulation.query('notes')).toEqual(['a', 'b']);
    expect(await simulation.currentDetails()).toBe('heard 2');
    simulation.signal('note', 'done');
    await simulation.deliver();
    expect(simulation.result).toEqual({ kind: 'completed', value: ['a', 'b', 'done'] });
    expect(simulation.logs).toContainEqual({ level: 'info', message: 'all notes heard' });
    expect(() => simulation.signal('note', 'late')).toThrow('the run is completed');
  });

  test('an unknown query fails with the words of the workflow', async () => {
    await using simulation = simulate('collectNotes');
    await simulation.deliver();
    await expect(simulation.query('nothing')).rejects.toThrow('did not register a handler for nothing');
  });

  test('a validator sees the state the accepted update before it left, even in one activation', async () => {
    await using simulation = simulate('oneDecision');
    await simulation.deliver();
    const before = simulation.historyLength;
    const empty = simulation.update('decide', ['']);
    await simulation.deliver();
    expect(empty.rejected).toMatchObject({ message: 'an empty word decides nothing', type: 'Empty' });
    expect(simulation.historyLength).toBe(before);
    const yes = simulation.update('decide', ['yes'], { id: 'first' });
    const no = simulation.update('decide', ['no']);
    await simulation.deliver();
    expect(yes.accepted).toBe(true);
    expect(no.rejected?.type).toBe('Late');
    expect(simulation.update('decide', ['again'], { id: 'first' })).toBe(yes);
    await simulation.advanceBy(1_000);
    expect(yes.result).toBe('you said yes');
    expect(simulation.result).toEqual({ kind: 'completed', value: 'yes' });
  });

  test('an update nobody handles is rejected', async () => {
    await using simulation = simulate('twoSleeps');
    const unknown = simulation.update('nobody', []);
    await simulation.deliver();
    expect(unknown.rejected?.message).toContain('No registered handler');
  });

  test('a signal in the activation of a fired timer is heard first, past the deadline', async () => {
    await using simulation = simulate('approveOrExpire');
    await simulation.deliver();
    simulation.signal('note', 'approve');
    await simulation.deliverTogetherWithTimer();
    expect(simulation.result).toEqual({
      kind: 'completed',
      value: { inTime: true, heard: [{ text: 'approve', atMs: START_MS + 10_000 }] },
    });
  });

  test('an update in the activation of a signal sent later still comes after it', async () => {
    await using simulation = simulate('messageOrder');
    await simulation.deliver();
    simulation.update('decide', ['update']);
    simulation.signal('note', 'signal');
    await simulation.accumulateUntil(START_MS + 3_000);
    await simulation.deliver();
    expect(simulation.activations).toBe(2);
    expect(simulation.result).toEqual({
      kind: 'completed',
      value: ['signal', 'update', 'timer 1000', 'timer 2000'],
    });
  });

  test('an update the run does not outlive is aborted', async () => {
    await using simulation = simulate('abandonsUpdates');
    await simulation.deliver();
    const handle = simulation.update('decide', ['x']);
    await simulation.deliver();
    expect(handle.status).toEqual({ kind: 'accepted' });
    await simulation.advanceBy(1_000);
    expect(simulation.result.kind).toBe('completed');
    expect(handle.status).toEqual({ kind: 'aborted' });
  });

  test('a timer that fires alone expires the wait', async () => {
    await using simulation = simulate('approveOrExpire');
    await simulation.deliver();
    await simulation.advanceBy(10_000);
    expect(simulation.result).toEqual({ kind: 'completed', value: { inTime: false, heard: [] } });
  });

  test('a signal that arrives while the run closes undoes the close', async () => {
    await using simulation = simulate('collectNotes');
    await simulation.deliver();
    simulation.signal('note', 'done');
    simulation.signalDuringNextTask('note', 'late');
    await simulation.deliver();
    expect(simulation.result).toEqual({ kind: 'completed', value: ['done', 'late'] });
  });

  test('a task whose worker dies before its word arrives is done again, with the same commands', async () => {
    await using simulation = simulate('randomAndPatched');
    simulation.crashDuringNextTask();
    await simulation.deliver();
    const before = simulation.historyLength;
    simulation.crashDuringNextTask();
    await simulation.advanceBy(1_000);
    // The timer, three of the lost task, three of the next, and the end.
    expect(simulation.historyLength).toBe(before + 1 + 3 + 3 + 1);
    expect(simulation.result.kind).toBe('completed');
  });

  test('a signal that arrives during any other task waits for the next one', async () => {
    await using simulation = simulate('collectNotes');
    simulation.signalDuringNextTask('note', 'later');
    await simulation.deliver();
    expect(await simulation.query('notes')).toEqual([]);
    await simulation.deliver();
    expect(await simulation.query('notes')).toEqual(['later']);
  });
});

describe('activities', () => {
  test('an activity completes when its simulated duration has passed', async () => {
    const seen: unknown[] = [];
    const fetchPrice: ActivityHandler = (input: { readonly item: string }, info) => {
      seen.push([input, info.attempt, info.summary]);
      return { kind: 'completed', result: 12, takesMs: 250 };
    };
    await using simulation = simulate('lookUpPrice', { args: ['tea'], activities: { fetchPrice } });
    await simulation.deliver();
    expect(simulation.pendingActivities).toMatchObject([
      { activityType: 'fetchPrice', input: { item: 'tea' }, attempt: 1 },
    ]);
    await simulation.runUntilIdle();
    expect(seen).toEqual([[{ item: 'tea' }, 1, 'look up a price']]);
    expect(simulation.result).toEqual({ kind: 'completed', value: { price: 12, atMs: START_MS + 250 } });
    // Scheduled, started, completed; no event for anything else but tasks and the two ends.
    expect(simulation.historyLength).toBe(1 + 3 + 1 + 2 + 3 + 1);
  });

  test('failures are retried with growing delays, and the workflow sees only the success', async () => {
    const startedAtMs: number[] = [];
    const fetchPrice: ActivityHandler = (_input, info) => {
      startedAtMs.push(info.nowMs - START_MS);
      if (info.attempt < 4) return { kind: 'failed', failure: { message: 'busy' }, takesMs: 100 };
      return { kind: 'completed', result: 1 };
    };
    await using simulation = simulate('lookUpPrice', { args: ['tea'], activities: { fetchPrice } });
    await simulation.runUntilIdle();
    expect(startedAtMs).toEqual([0, 1_100, 3_200, 7_300]);
    expect(simulation.result).toMatchObject({ kind: 'completed', value: { price: 1 } });
    expect(simulation.activations).toBe(2);
  });

  test.each<[string, ActivityHandler, unknown]>([
    [
      'attempts run out',
      () => ({ kind: 'failed', failure: { message: 'x', type: 'Busy' } }),
      { retryState: 'MAXIMUM_ATTEMPTS_REACHED', cause: 'Busy', atMs: START_MS + 11_000 },
    ],
    [
      'the type is not retried',
      () => ({ kind: 'failed', failure: { message: 'x', type: 'NoSuchItem' } }),
      { retryState: 'NON_RETRYABLE_FAILURE', cause: 'NoSuchItem', atMs: START_MS },
    ],
    [
      'the failure says so',
      () => ({ kind: 'failed', failure: { message: 'x', type: 'Bad', nonRetryable: true } }),
      { retryState: 'NON_RETRYABLE_FAILURE', cause: 'Bad', atMs: START_MS },
    ],
    [
      'its own delay is cut to the maximum interval',
      () => ({ kind: 'failed', failure: { message: 'x', type: 'Slow', nextRetryDelayMs: 30_000 } }),
      { retryState: 'MAXIMUM_ATTEMPTS_REACHED', cause: 'Slow', atMs: START_MS + 16_000 },
    ],
    [
      'every attempt times out',
      () => ({ kind: 'failed', failure: { message: '', timeout: 'START_TO_CLOSE' }, takesMs: 100 }),
      {
        retryState: 'MAXIMUM_ATTEMPTS_REACHED',
        cause: 'START_TO_CLOSE',
        below: null,
        atMs: START_MS + 11_500,
      },
    ],
    [
      'every attempt hangs until the whole time is over',
      () => ({ kind: 'hangs' }),
      { retryState: 'TIMEOUT', cause: 'SCHEDULE_TO_CLOSE', below: null, atMs: START_MS + 40_000 },
    ],
    [
      // The server hangs the last failure below the timeout; the TypeScript failure converter drops it.
      'the whole time ends during an attempt after failures',
      (_input, info) =>
        info.attempt < 4
          ? { kind: 'failed', failure: { message: `attempt ${info.attempt}` }, takesMs: 9_900 }
          : { kind: 'hangs' },
      { retryState: 'TIMEOUT', cause: 'SCHEDULE_TO_CLOSE', below: null, atMs: START_MS + 40_000 },
    ],
    [
      'no time is left for the next delay',
      () => ({ kind: 'failed', failure: { message: 'x', type: 'Busy' }, takesMs: 7_500 }),
      { retryState: 'TIMEOUT', cause: 'Busy', atMs: START_MS + 37_000 },
    ],
  ])('%s: the workflow sees the reason and the cause', async (_name, fetchPrice, expected) => {
    await using simulation = simulate('lookUpPrice', { args: ['tea'], activities: { fetchPrice } });
    await simulation.runUntilIdle();
    expect(simulation.result).toMatchObject({ kind: 'completed', value: expected as object });
  });

  test('an activity the simulation does not have is named', async () => {
    await using simulation = simulate('lookUpPrice', {
      args: ['tea'],
      activities: { other: () => ({ kind: 'hangs' }) },
    });
    await expect(simulation.runUntilIdle()).rejects.toThrow(
      'No activity named "fetchPrice" was given to the simulation; it has: other.',
    );
  });
});

describe('local activities', () => {
  test('they resolve after all else in an activation, and write one event each', async () => {
    const fetchPrice: ActivityHandler = ({ item }: { readonly item: string }) => ({
      kind: 'completed',
      result: item === 'tea' ? 12 : 3,
      takesMs: item === 'tea' ? 100 : 40,
    });
    await using simulation = simulate('quickLooks', { activities: { fetchPrice } });
    await simulation.deliver();
    // Started, three of the task, the timer: a local activity has not been written yet.
    expect(simulation.historyLength).toBe(5);
    expect(simulation.pendingActivities.map((one) => one.isLocal)).toEqual([true, true]);
    await simulation.advanceBy(50);
    simulation.signal('note', 'signal');
    await simulation.accumulateUntil(START_MS + 100);
    await simulation.deliver();
    expect(simulation.result).toEqual({
      kind: 'completed',
      value: { heard: ['milk 3', 'signal', 'timer', 'tea 12'], atMs: START_MS + 100 },
    });
  });

  test('a short backoff is waited for by the worker, a long one by the workflow, attempts counted through', async () => {
    const attempts: (readonly [number, number])[] = [];
    const fetchPrice: ActivityHandler = ({ item }: { readonly item: string }, { attempt, nowMs }) => {
      if (item === 'milk') return { kind: 'completed', result: 3 };
      attempts.push([attempt, nowMs - START_MS]);
      return attempt < 4
        ? { kind: 'failed', failure: { message: 'busy' } }
        : { kind: 'completed', result: 12 };
    };
    await using simulation = simulate('quickLooks', { activities: { fetchPrice } });
    await simulation.advanceBy(10_000);
    // The third wait is above the threshold of three seconds.
    expect(attempts).toEqual([
      [1, 0],
      [2, 1_000],
      [3, 3_000],
      [4, 7_000],
    ]);
    const backoff = simulation.commands.filter(({ kind }) => kind === 'startTimer')[1];
    expect(backoff?.body).toMatchObject({ startToFireTimeout: 4_000 });
    expect(simulation.result).toMatchObject({ value: { heard: ['milk 3', 'timer', 'tea 12'] } });
  });

  test('one that ends its worker takes the task with it, which is done again', async () => {
    let tries = 0;
    const fetchPrice: ActivityHandler = ({ item }: { readonly item: string }, { isLocal }) => {
      expect(isLocal).toBe(true);
      if (item === 'tea') tries += 1;
      return item === 'tea' && tries === 1
        ? { kind: 'ends_worker' }
        : { kind: 'completed', result: 3, takesMs: 40 };
    };
    await using simulation = simulate('quickLooks', { activities: { fetchPrice } });
    await simulation.deliver();
    // As without it, and a time-out and two of the second task.
    expect(simulation.historyLength).toBe(8);
    expect(tries).toBe(2);
    expect(simulation.localsLost).toBe(2);
    await simulation.advanceBy(100);
    expect(simulation.result).toMatchObject({ value: { heard: ['tea 3', 'milk 3', 'timer'] } });
  });

  test('one that ends every worker of its task would go round for ever', async () => {
    const fetchPrice: ActivityHandler = () => ({ kind: 'ends_worker' });
    await using simulation = simulate('quickLooks', { activities: { fetchPrice } });
    await expect(simulation.deliver()).rejects.toThrow('ends each worker of one task, again and again');
  });

  test('one that is open when its worker is lost begins again', async () => {
    let tries = 0;
    const fetchPrice: ActivityHandler = () => {
      tries += 1;
      return { kind: 'completed', result: 3, takesMs: 100 };
    };
    await using simulation = simulate('quickLooks', { activities: { fetchPrice } });
    await simulation.advanceBy(50);
    await simulation.crash();
    expect(simulation.localsLost).toBe(2);
    await simulation.advanceBy(100);
    expect(simulation.result).toMatchObject({
      value: { heard: ['timer', 'tea 3', 'milk 3'], atMs: START_MS + 150 },
    });
    expect(tries).toBe(4);
  });

  test('a cancel reaches it at once', async () => {
    const fetchPrice: ActivityHandler = () => ({ kind: 'completed', result: 12, takesMs: 4_000 });
    await using simulation = simulate('cancellableLook', { activities: { fetchPrice } });
    await simulation.advanceBy(1_000);
    simulation.signal('note', 'cancel it');
    await simulation.advanceBy(0);
    await simulation.runUntilIdle();
    expect(simulation.result).toEqual({
      kind: 'completed',
      value: { cancelled: true, atMs: START_MS + 1_000 },
    });
  });
});

describe('cancelling an activity', () => {
  const charge: ActivityHandler = () => ({ kind: 'completed', result: 'paid', takesMs: 20_000 });

  async function cancelAfter(
    ms: number,
    mode: string,
    heartbeats: boolean,
    handler = charge,
  ): Promise<Simulation> {
    const simulation = simulate('cancellableCharge', {
      args: [mode, heartbeats],
      activities: { charge: handler },
    });
    await simulation.advanceBy(ms);
    simulation.signal('note', 'cancel it');
    await simulation.deliver();
    return simulation;
  }

  test('TRY_CANCEL is answered at once, within the same task', async () => {
    await using simulation = await cancelAfter(3_000, 'TRY_CANCEL', true);
    expect(simulation.result).toEqual({
      kind: 'completed',
      value: { cancelled: true, cause: true, atMs: START_MS + 3_000 },
    });
    expect(simulation.activations).toBe(3);
  });

  test('ABANDON is answered at once too', async () => {
    await using simulation = await cancelAfter(3_000, 'ABANDON', false);
    expect(simulation.result).toMatchObject({ kind: 'completed', value: { cancelled: true } });
  });

  test('WAIT_CANCELLATION_COMPLETED waits for an activity that hears of it', async () => {
    await using simulation = await cancelAfter(3_000, 'WAIT_CANCELLATION_COMPLETED', true);
    expect(simulation.result.kind).toBe('running');
    expect(simulation.pendingActivities).toMatchObject([{ cancelRequested: true }]);
    await simulation.runUntilIdle();
    expect(simulation.result).toMatchObject({
      kind: 'completed',
      value: { cancelled: true, atMs: START_MS + 3_000 },
    });
  });

  test('without heartbeats the activity never hears of it and runs to its end', async () => {
    await using simulation = await cancelAfter(3_000, 'WAIT_CANCELLATION_COMPLETED', false);
    await simulation.runUntilIdle();
    expect(simulation.result).toEqual({
      kind: 'completed',
      value: { receipt: 'paid', atMs: START_MS + 20_000 },
    });
  });

  test('an activity may answer a cancel with a result of its own', async () => {
    const partial: ActivityHandler = () => ({
      kind: 'hangs',
      whenCancelled: { kind: 'completed', result: 'half', takesMs: 500 },
    });
    await using simulation = await cancelAfter(3_000, 'WAIT_CANCELLATION_COMPLETED', true, partial);
    await simulation.runUntilIdle();
    expect(simulation.result).toMatchObject({
      kind: 'completed',
      value: { receipt: 'half', atMs: START_MS + 3_500 },
    });
  });

  test('one that is cancelled before its task ends is never sent', async () => {
    await using simulation = simulate('cancelBeforeSent', {
      activities: {
        charge: () => {
          throw new Error('the server was told of it');
        },
      },
    });
    await simulation.runUntilIdle();
    expect(simulation.result).toEqual({ kind: 'completed', value: 'never sent' });
  });

  test('a cancelled run cleans up and then reports that it was cancelled', async () => {
    await using simulation = simulate('cleanUp', {
      activities: { fetchPrice: () => ({ kind: 'completed', result: 1 }) },
    });
    await simulation.deliver();
    simulation.cancel();
    await simulation.runUntilIdle();
    expect(simulation.result).toEqual({ kind: 'cancelled' });
  });
});

describe('continue as new', () => {
  test('the next run starts with what the last one heard, and with its search attributes', async () => {
    await using first = simulate('rounds', { args: [1, [], []] });
    await first.deliver();
    expect(first.searchAttributes).toEqual({ Round: 1 });
    first.suggestContinueAsNew = true;
    first.signal('note', 'a');
    first.signalDuringNextTask('note', 'b');
    await first.deliver();
    expect(first.result).toMatchObject({
      kind: 'continuedAsNew',
      args: [2, ['a', 'b'], [expect.any(String)]],
    });
    await using second = await continueAsNew(first);
    expect(second.runId).not.toBe(first.runId);
    expect(second.nowMs).toBe(first.nowMs);
    expect(second.searchAttributes).toEqual({ Round: 1 });
    second.signal('note', 'stop');
    await second.deliver();
    expect(second.searchAttributes).toEqual({ Round: 2 });
    expect(second.result).toEqual({
      kind: 'completed',
      value: { round: 2, heard: ['a', 'b', 'stop'], isContinued: true, distinctIds: 2 },
    });
  });

  test('a history over its limit suggests it', async () => {
    await using simulation = simulate('rounds', {
      args: [1, [], []],
      historyLimits: { suggestEvents: 12, suggestBytes: 1e9 },
    });
    for (let count = 0; count < 10 && simulation.result.kind === 'running'; count += 1) {
      simulation.signal('note', `${count}`);
      await simulation.deliver();
    }
    expect(simulation.result.kind).toBe('continuedAsNew');
    expect(simulation.historyLength).toBeLessThan(20);
  });
});

describe('determinism', () => {
  test('the same seed gives the same run, another seed another one', async () => {
    const results: unknown[] = [];
    for (const seed of [7, 7, 8]) {
      await using simulation = simulate('randomAndPatched', { seed });
      await simulation.advanceBy(1_000);
      results.push(simulation.result);
    }
    expect(results[0]).toEqual(results[1]);
    expect(results[0]).not.toEqual(results[2]);
    expect(results[0]).toMatchObject({ kind: 'completed' });
  });

  test('planted fault: a counter of the module is caught, since modules are loaded once a worker', async () => {
    await using simulation = simulate('planted_moduleCounter');
    await expect(simulation.advanceBy(60_000)).rejects.toThrow(
      /activation 1 of 1 \(initializeWorkflow\): command 1 differs at startTimer/,
    );
  });

  test('planted fault: randomness of the machine is caught and shown', async () => {
    await using simulation = simulate('planted_realRandomness');
    const error = await simulation.deliver().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ReplayDivergence);
    expect(String(error)).toContain('command 1 differs at startTimer.startToFireTimeout');
    expect(String(error)).toContain('before the crash:');
  });

  test('planted fault: another way on replay is caught', async () => {
    await using simulation = simulate('planted_replayBranch');
    await expect(simulation.advanceBy(1_000)).rejects.toThrow(
      /activation 2 of 2 \(timer 1\): command 1 differs at startTimer/,
    );
  });

  test('planted fault: a validator that changes state is caught', async () => {
    await using simulation = simulate('planted_busyValidator');
    await simulation.deliver();
    simulation.update('decide', ['x']);
    await simulation.deliver();
    await expect(simulation.advanceBy(1_000)).rejects.toThrow(ReplayDivergence);
  });

  test('planted fault: a query that changes state is caught', async () => {
    await using simulation = simulate('planted_busyQuery', { crashEveryActivation: false });
    await simulation.deliver();
    await simulation.query('notes');
    await simulation.advanceBy(1_000);
    await expect(simulation.crash()).rejects.toThrow(ReplayDivergence);
  });

  test('planted fault: a state that a crash changes is caught by a query before any command shows it', async () => {
    await using simulation = simulate('planted_busyValidator', { stableQueries: ['asked'] });
    await simulation.deliver();
    simulation.update('decide', ['x']);
    await expect(simulation.deliver()).rejects.toThrow(
      /the query "asked" differs\.\n {2}before the crash: 1\n {2}after the crash: {2}0/,
    );
  });

  test('commands are kept as plain data, with the summaries the UI shows', async () => {
    const fetchPrice: ActivityHandler = () => ({ kind: 'completed', result: 3 });
    await using simulation = simulate('lookUpPrice', { args: ['tea'], activities: { fetchPrice } });
    await simulation.runUntilIdle();
    expect(simulation.commands).toMatchObject([
      {
        activation: 1,
        kind: 'scheduleActivity',
        summary: 'look up a price',
        body: { activityType: 'fetchPrice', arguments: [{ item: 'tea' }], startToCloseTimeout: 10_000 },
      },
      { activation: 2, kind: 'completeWorkflowExecution', body: { result: { price: 3, atMs: START_MS } } },
    ]);
  });

  test('a run goes on after real crashes as if there had been none', async () => {
    const runs: unknown[] = [];
    for (const crashAfter of [() => false, () => true, (count: number) => count % 2 === 0]) {
      await using simulation = simulate('oneDecision', { crashAfter });
      await simulation.deliver();
      const refused = simulation.update('decide', ['']);
      await simulation.deliver();
      const accepted = simulation.update('decide', ['yes']);
      await simulation.advanceBy(1_000);
      runs.push([
        simulation.result,
        refused.status,
        accepted.status,
        simulation.commands.map((command) => command.kind),
      ]);
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  test('an unexpected error fails the task, with the line it came from', async () => {
    await using simulation = simulate('buggy');
    const error = await simulation.advanceBy(1_000).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowTaskFailure);
    expect(String(error)).toContain('nobody expected this');
    expect(String(error)).toContain('fixtures/workflows.ts');
  });
});
