import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createHoldfastClient, type HoldfastClient } from '../../src/client.ts';
import { acceptHandOver, findHandOver, listHandOvers } from '../../src/store/handovers.ts';
import { success, type ToolResult } from '../../src/tools/result.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { ALLOW_ALL, call, calls, effectTool, labAgent, readTool, say, script } from './labAgent.ts';
import { auditOf, effectsOf, inState, openRequest, requestsOf } from './peopleFacts.ts';

/** Steering a run that is in the middle of something, on real parts. */

const TIME = { timeoutMs: 20_000 };
const begun: string[] = [];
const done: string[] = [];
const gates = new Map<string, () => void>();

/** Tools say that they have begun, and end once their gate is opened: a test acts in between, without a clock. */
async function gated({ what }: { readonly what: string }): Promise<ToolResult> {
  const open = new Promise<void>((resolve) => gates.set(what, resolve));
  begun.push(what);
  await open;
  done.push(what);
  return success(`did ${what}`);
}
const hasBegun = (what: string) => until(`${what} to begin`, async () => begun.includes(what));
const release = (what: string) => gates.get(what)?.();

const look = readTool('look', gated, TIME);
const look_up = readTool('look_up');
const note = effectTool('note', ({ what }) => {
  done.push(what);
  return success(`did ${what}`);
});
const slow = effectTool('slow', gated, TIME);
const AGENTS = [
  labAgent([look, look_up, note, slow], { policy: ALLOW_ALL }),
  labAgent([look_up], { name: 'short', limits: { tokensPerRun: 15_000 } }),
  labAgent([note, slow], {
    name: 'mixed',
    policy: [
      { name: 'notes', match: { tools: ['note'] }, answer: { kind: 'ask', reason: 'a test asks' } },
      ...ALLOW_ALL,
    ],
  }),
];
const CONVERSATIONS = [
  script('pause me', [calls(['look', 'p read'], ['note', 'p effect']), say('done in the end')]),
  script('run short', [
    call('look_up', '1'),
    call('look_up', '2'),
    call('look_up', '3'),
    say('all of it seen'),
  ]),
  script('hand me over', [
    calls(['note', 'h one'], ['slow', 'h two'], ['note', 'h three']),
    say('this is never said'),
  ]),
  script('ask, then hand over', [calls(['slow', 'a one'], ['note', 'a two']), say('this is never said')]),
];

let lab: Lab;
let holdfast: HoldfastClient;
beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: AGENTS,
    conversations: CONVERSATIONS,
  });
  holdfast = createHoldfastClient({ client: lab.client, taskQueue: lab.config.taskQueue });
});
afterAll(() => lab[Symbol.asyncDispose]());

const begin = (message: string, agent = 'lab') =>
  lab.start({ agent, message, once: true, requester: { id: 'customer' } });
const to = ({ workflowId }: Handle) => ({ workflowId, by: 'olga', reason: 'a test' });
const steered = async (handle: Handle) =>
  (await auditOf(lab, handle))
    .filter(({ event }) => event.startsWith('steer_'))
    .map(({ event, facts }) => [event, facts.by]);

describe('pause', () => {
  test('during a step lets the read end and the effect wait; resume does it once', async () => {
    const handle = await begin('pause me');
    await hasBegun('p read');
    await holdfast.pause(to(handle));
    // The run has read the signal when a query says so; then the read may end.
    await until('the pause', async () => (await steeredIn(handle)).includes('pause'));
    release('p read');
    await inState(lab, handle, 'paused');
    expect(done).toEqual(['p read']);
    expect(await effectsOf(lab, handle)).toEqual([]);
    await holdfast.resume(to(handle));
    expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: 'done in the end' });
    expect(done).toEqual(['p read', 'p effect']);
    expect(await effectsOf(lab, handle)).toEqual(['applied 1']);
    expect(await steered(handle)).toEqual([
      ['steer_pause', 'olga'],
      ['steer_resume', 'olga'],
    ]);
  });
});

describe('raiseLimit', () => {
  test('lets a landed run go on to its end; its request is withdrawn', async () => {
    const handle = await begin('run short', 'short');
    const row = await openRequest(lab, handle);
    expect(row.kind).toBe('landing');
    await inState(lab, handle, 'landed');
    await holdfast.raiseLimit({ ...to(handle), tokens: 100_000 });
    expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: 'all of it seen' });
    expect((await requestsOf(lab, handle)).map(({ state }) => state)).toEqual(['withdrawn']);
    expect(await steered(handle)).toEqual([['steer_raiseLimit', 'olga']]);
    expect(lab.model.problems).toEqual([]);
  });
});

describe('handOver', () => {
  test('in the middle of a turn stops the next effect; the record says what was done and what was not', async () => {
    const handle = await begin('hand me over');
    await hasBegun('h two');
    await holdfast.handOver(to(handle));
    await until('the hand-over', async () => (await steeredIn(handle)).includes('handOver'));
    release('h two');
    const { run, ...result } = await handle.result();
    expect(result).toMatchObject({ outcome: 'escalated', reason: 'handed_over' });
    expect(done.filter((what) => what.startsWith('h'))).toEqual(['h one', 'h two']);
    expect(await effectsOf(lab, handle)).toEqual(['applied 1', 'applied 1']);
    const record = await findHandOver(lab.sql, run);
    expect(record).toMatchObject({ queue: 'lab', summary: 'a test', acceptedBy: null });
    expect(record?.done).toEqual([`note (${run}/1/0)`, `slow (${run}/1/1)`]);
    expect(record?.notDone).toEqual(['note: not started']);

    // Two people want it: one has it, and the other is told who.
    const [one, two] = await Promise.all(
      ['paul', 'pia'].map((by) => acceptHandOver(lab.sql, run, { by, channel: 'test' })),
    );
    expect([one?.won, two?.won].filter(Boolean)).toHaveLength(1);
    expect(one?.by).toBe(two?.by);
    expect(await listHandOvers(lab.sql, { all: false, limit: 10 })).toEqual([]);
    expect((await auditOf(lab, handle, 'handover_accepted')).map(({ facts }) => facts.by)).toEqual([one?.by]);
  });

  test('withdraws what people were asked, and says that it was not done', async () => {
    const handle = await begin('ask, then hand over', 'mixed');
    await hasBegun('a one');
    const row = await openRequest(lab, handle);
    await holdfast.handOver(to(handle));
    await until('the hand-over', async () => (await steeredIn(handle)).includes('handOver'));
    release('a one');
    const { run } = await handle.result();
    expect(done).not.toContain('a two');
    expect((await requestsOf(lab, handle)).map(({ id, state }) => [id, state])).toEqual([
      [row.id, 'withdrawn'],
    ]);
    const record = await findHandOver(lab.sql, run);
    expect(record?.done).toEqual([`slow (${run}/1/0)`]);
    expect(record?.notDone).toEqual([expect.stringContaining('withdrawn')]);
  });
});

/** The steering signals that a workflow task has read: those before the last completed one of the history. */
async function steeredIn(handle: Handle): Promise<readonly string[]> {
  const { events } = await handle.fetchHistory();
  const all = events ?? [];
  const read = all.findLastIndex((event) => event.workflowTaskCompletedEventAttributes);
  return all
    .slice(0, read)
    .flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []);
}
