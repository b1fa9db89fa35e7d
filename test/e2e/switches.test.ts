import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createHoldfastClient, type HoldfastClient } from '../../src/client.ts';
import { setSwitch } from '../../src/store/switches.ts';
import { cancelSignal, statusQuery } from '../../src/workflows/messages.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { ALLOW_ALL, ASK_ALL, call, effectTool, labAgent, readTool, say, script } from './labAgent.ts';
import { auditOf, cardOf, cli, effectsOf, inState, openRequest, requestsOf } from './peopleFacts.ts';

/** Kill switches while runs are in flight, on real parts. Lifted by the command line, which wakes what was held. */

const done = new Map<string, number>();
const count = (what: string) => {
  done.set(what, (done.get(what) ?? 0) + 1);
  return { kind: 'success', data: `done ${what}` } as const;
};
const note = effectTool('note', ({ what }) => count(what));
const mail = effectTool('mail', ({ what }) => count(what));
const AGENTS = [
  labAgent([readTool('look'), note, mail], { policy: ALLOW_ALL }),
  labAgent([note], { name: 'asking', policy: ASK_ALL }),
];

let lab: Lab;
let holdfast: HoldfastClient;
beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: AGENTS,
  });
  holdfast = createHoldfastClient({ client: lab.client, taskQueue: lab.config.taskQueue });
});
afterAll(() => lab[Symbol.asyncDispose]());

/** A run that does one thing of that name. With `delayMs` the model takes that long to call for it. */
async function begin(
  what: string,
  more: {
    readonly agent?: string;
    readonly tenant?: string;
    readonly tool?: string;
    readonly delayMs?: number;
  } = {},
) {
  const { agent = 'lab', tenant, tool = 'note', delayMs } = more;
  const first = call(tool, what);
  const last = say(`did ${what}`, { results: [{ tool, isError: false, contains: `done ${what}` }] });
  lab.model.add(script(what, [delayMs === undefined ? first : { ...first, delayMs }, last]));
  const requester = { id: 'customer', ...(tenant !== undefined && { tenant }) };
  return lab.start({ agent, message: what, once: true, requester });
}

const stateOf = async (handle: Handle) => (await handle.describe()).searchAttributes.HoldfastState?.[0];

const stop = (name: string) => setSwitch(lab.sql, { name, by: 'olga', reason: 'something is wrong' });
const lift = async (flag: readonly string[]) => {
  const ran = await cli(lab, [
    'stop',
    ...flag,
    '--off',
    '--by',
    'olga',
    '--reason',
    'it is mended',
    '--json',
  ]);
  expect(ran).toMatchObject({ code: 0 });
  return JSON.parse(ran.stdout) as { readonly woken: number; readonly problem: string | null };
};

/** Done exactly once: by the tool's own count, by the ledger, and by the audit. */
async function expectOnce(handle: Handle, what: string): Promise<void> {
  expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: `did ${what}` });
  expect([what, done.get(what)]).toEqual([what, 1]);
  expect(await effectsOf(lab, handle)).toEqual(['applied 1']);
  const events = (await auditOf(lab, handle)).map(({ event }) => event);
  expect(events.filter((event) => /^effect_(claimed|applied)/.test(event))).toEqual([
    'effect_claimed',
    'effect_applied',
  ]);
}

describe('a kill switch', () => {
  test('holds three runs in flight, and lifting it lets each act exactly once', async () => {
    const asked = await begin('c', { agent: 'asking' });
    const row = await openRequest(lab, asked);
    const before = lab.model.requests;
    const flying = [await begin('a', { delayMs: 400 }), await begin('b', { delayMs: 400 })];
    await until('two model calls', async () => lab.model.requests >= before + 2);
    await stop('tool:note');
    // Approved while it is set: the yes is kept.
    expect(
      await holdfast.decideNow({
        workflowId: asked.workflowId,
        approval: row.id,
        kind: 'approve',
        by: 'boss',
      }),
    ).toMatchObject({ kind: 'decided' });
    const held = [...flying, asked];
    for (const handle of held) {
      await inState(lab, handle, 'held');
      await until('the search attribute', async () => (await stateOf(handle)) === 'held');
      expect(await effectsOf(lab, handle)).toEqual([]);
      expect(await auditOf(lab, handle, 'effect_held')).toMatchObject([
        { facts: { switch: 'tool:note', by: 'olga' } },
      ]);
      await until('the card', async () => (await cardOf(handle)).includes('Held back by a kill switch'));
      expect(await cardOf(handle)).toContain('tool:note');
    }
    expect([...done.keys()]).toEqual([]);
    // Another tool of the same agent goes on meanwhile.
    await expectOnce(await begin('d', { tool: 'mail' }), 'd');

    expect(await lift(['--tool', 'note'])).toMatchObject({ woken: 3, problem: null });
    for (const [i, what] of ['a', 'b', 'c'].entries()) await expectOnce(held[i] as Handle, what);
    expect((await requestsOf(lab, asked)).map(({ id, state }) => [id, state])).toEqual([
      [row.id, 'approved'],
    ]);
    expect((await auditOf(lab, asked, 'approval_opened')).length).toBe(1);
    expect(lab.model.problems).toEqual([]);
  });

  test('of a tenant holds that tenant alone; of the fleet everybody; a held run can be cancelled', async () => {
    await stop('tenant:shop-1');
    const one = await begin('e', { tenant: 'shop-1' });
    const two = await begin('f', { tenant: 'shop-2' });
    await inState(lab, one, 'held');
    await expectOnce(two, 'f');
    await stop('fleet');
    const three = await begin('g', { tenant: 'shop-2' });
    await inState(lab, three, 'held');
    await three.signal(cancelSignal, { by: 'olga' });
    expect(await three.result()).toMatchObject({ outcome: 'cancelled' });
    expect(await effectsOf(lab, three)).toEqual(['void 1']);
    // Lifting one of two switches lets nothing through.
    expect(await lift(['--tenant', 'shop-1'])).toMatchObject({ woken: 1 });
    await until(
      'it to meet the other switch',
      async () => (await auditOf(lab, one, 'effect_held')).length === 2,
    );
    expect((await auditOf(lab, one, 'effect_held')).map(({ facts }) => facts.switch)).toEqual([
      'tenant:shop-1',
      'fleet',
    ]);
    await inState(lab, one, 'held');
    expect(done.has('e')).toBe(false);
    await lift(['--all']);
    await expectOnce(one, 'e');
    expect(done.has('g')).toBe(false);
  });

  test('a held run outlives its worker and a move to another execution', async () => {
    await stop('agent:lab');
    const handle = await begin('h');
    await inState(lab, handle, 'held');
    await lab.stopWorker();
    await handle.signal('upgrade', { by: 'olga' });
    await lab.startWorker();
    await until('the run to move', async () => (await handle.query(statusQuery)).continuedTimes === 1);
    expect(await lift(['--agent', 'lab'])).toMatchObject({ woken: 1 });
    await expectOnce(handle, 'h');
  });
});
