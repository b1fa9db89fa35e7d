import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import {
  createHoldfastClient,
  type DecideReply,
  type Decision,
  type HoldfastClient,
} from '../../src/client.ts';
import { parseDecisionKeys } from '../../src/control/keys.ts';
import { signEnvelope } from '../../src/control/signature.ts';
import type { ControlName } from '../../src/core/control.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { setPerson } from '../../src/people/storeDirectory.ts';
import type { ApprovalRow } from '../../src/store/views.ts';
import { closeSignal, decideNowUpdate, decideSignal } from '../../src/workflows/messages.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { call, effectTool, labAgent, readTool, say, script } from './labAgent.ts';
import {
  auditOf,
  cardOf,
  cli,
  effectsOf,
  inState,
  openRequest,
  requestsOf,
  signalsOf,
} from './peopleFacts.ts';

/** Workers and command line that have a decision key: only what is signed counts, and only from the right person. */
const SECRET = 'a-secret-that-only-this-lab-knows';
const OTHER_SECRET = 'another-secret-that-nobody-accepts';
const TENANT = 'shop-1';

let ran = 0;
const note = effectTool('note', ({ what }) => {
  ran++;
  return { kind: 'success', data: `noted ${what}` };
});
const AGENTS = [
  labAgent([note], {
    policy: [
      {
        name: 'asks',
        match: { tiers: ['write_risky'] },
        answer: { kind: 'ask', reason: 'a test asks', approvers: { roles: ['approver'] } },
      },
    ],
  }),
  labAgent([note], {
    name: 'two',
    policy: [
      {
        name: 'asks two',
        match: { tiers: ['write_risky'] },
        answer: { kind: 'ask', reason: 'a test asks', approvers: { roles: ['approver'] }, quorum: 2 },
      },
    ],
  }),
  labAgent([readTool('look')], { name: 'short', limits: { tokensPerRun: 15_000 } }),
];
const CONVERSATIONS = [
  script('note it', [call('note'), say('it is noted')]),
  script('run short', [call('look', '1'), call('look', '2'), call('look', '3'), say('all of it seen')]),
];

let lab: Lab;
/** Signs. */
let holdfast: HoldfastClient;
/** Does not. */
let unsigned: HoldfastClient;
beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: AGENTS,
    conversations: CONVERSATIONS,
    environment: { HOLDFAST_DECISION_KEY: SECRET },
  });
  const { client } = lab;
  const { taskQueue } = lab.config;
  holdfast = createHoldfastClient({ client, taskQueue, decisionKey: SECRET });
  unsigned = createHoldfastClient({ client, taskQueue });
  const people: readonly (readonly [string, Parameters<typeof setPerson>[2]])[] = [
    ['anna', { roles: ['approver'], tenant: TENANT }],
    ['bert', { roles: ['approver'] }],
    ['carl', { roles: ['reader'] }],
    ['dora', { roles: ['approver'], tenant: 'shop-2' }],
    ['robot', { roles: ['approver'], kind: 'service' }],
    ['gone', { roles: ['approver'], active: false }],
    ['customer', { roles: ['approver'] }],
    ['olga', { roles: ['operator'] }],
  ];
  for (const [id, edit] of people) await setPerson(lab.sql, id, edit, 'test');
});
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => {
  ran = 0;
});

interface Asked {
  readonly handle: Handle;
  readonly row: ApprovalRow;
  readonly yes: Decision & { readonly workflowId: string };
}

async function asked(agent = 'lab'): Promise<Asked> {
  const requester = { id: 'customer', tenant: TENANT };
  const handle = await lab.start({ agent, message: 'note it', once: true, requester });
  const row = await openRequest(lab, handle);
  const { workflowId } = handle;
  return {
    handle,
    row,
    yes: { workflowId, approval: row.id, kind: 'approve', by: 'anna', argsHash: row.argsHash ?? '' },
  };
}

const keys = (text: string) => {
  const parsed = parseDecisionKeys(text);
  if (parsed.kind === 'bad') throw new Error(parsed.problem);
  return parsed.keys;
};

/** An envelope signed by hand, with other times, another key or another destination than it should have. */
function envelope(
  { yes: { workflowId, ...said } }: Asked,
  wrong: {
    readonly secret?: string;
    readonly name?: ControlName;
    readonly atMs?: number;
    readonly lifeMs?: number;
  } = {},
): Decision & { readonly signature: string } {
  const { secret = SECRET, name = 'decide', atMs = Date.now(), lifeMs = 60_000 } = wrong;
  const at = { namespace: 'default', workflowId, name };
  const body = { channel: 'test', ...said } as JsonObject;
  return signEnvelope(keys(secret), at, body, { atMs, expiresAtMs: atMs + lifeMs }) as unknown as Decision & {
    readonly signature: string;
  };
}

const tell = (handle: Handle, body: unknown): Promise<DecideReply> =>
  handle.executeUpdate(decideNowUpdate, { args: [body as Decision] });

const whys = async (handle: Handle) =>
  (await auditOf(lab, handle, 'decision_refused')).map(({ facts }) => facts.why);

/** Nothing of all that was a decision; a right one then is, once, and the audit says that it was signed. */
async function expectOnlyTheRightOneCounts(
  one: Asked,
  refused: readonly string[],
  by = 'anna',
): Promise<void> {
  const { handle, row } = one;
  expect((await requestsOf(lab, handle)).map(({ state }) => state)).toEqual(['open']);
  expect(ran).toBe(0);
  expect(await holdfast.decideNow({ ...one.yes, by })).toEqual({ kind: 'decided', state: 'approved' });
  expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: 'it is noted' });
  expect(ran).toBe(1);
  expect(await effectsOf(lab, handle)).toEqual(['applied 1']);
  expect(await whys(handle)).toEqual(refused);
  expect(await auditOf(lab, handle, 'approval_approved')).toMatchObject([
    { facts: { approval: row.id, by, identity: 'signed', kind: 'approve' } },
  ]);
}

describe('who may decide', () => {
  test('P5 P6 people without the role, of another tenant, machines, the requester and strangers do not', async () => {
    const one = await asked();
    const said: (readonly [string, string])[] = [
      ['carl', 'not_an_approver'],
      ['dora', 'other_tenant'],
      ['robot', 'service_account'],
      ['gone', 'inactive_person'],
      ['customer', 'own_request'],
      ['nobody', 'unknown_person'],
    ];
    for (const [by, why] of said)
      expect([by, await holdfast.decideNow({ ...one.yes, by })]).toEqual([by, { kind: 'refused', why }]);
    await expectOnlyTheRightOneCounts(
      one,
      said.map(([, why]) => why),
    );
  });

  test('P5 a role that is taken between the ask and the answer is no role', async () => {
    const one = await asked();
    await setPerson(lab.sql, 'anna', { roles: [] }, 'test');
    expect(await holdfast.decideNow(one.yes)).toEqual({ kind: 'refused', why: 'not_an_approver' });
    await setPerson(lab.sql, 'anna', { roles: ['approver'] }, 'test');
    await expectOnlyTheRightOneCounts(one, ['not_an_approver']);
  });

  test('P6 the same person twice is one of a quorum', async () => {
    const one = await asked('two');
    expect(await holdfast.decideNow(one.yes)).toEqual({ kind: 'voted', votes: 1, quorum: 2 });
    expect(await holdfast.decideNow(one.yes)).toEqual({ kind: 'refused', why: 'already_voted' });
    await expectOnlyTheRightOneCounts(one, ['already_voted'], 'bert');
    const [row] = await requestsOf(lab, one.handle);
    expect(row?.decision?.votes).toMatchObject([
      { by: 'anna', identity: 'signed' },
      { by: 'bert', identity: 'signed' },
    ]);
  });
});

describe('what a decision has to be', () => {
  test('P10 unsigned, and signatures that are empty, cut, of another key, in other letters or of another text', async () => {
    const one = await asked();
    const good = envelope(one);
    const { signature: _, ...bare } = good;
    const bad = [
      { ...good, signature: '' },
      { ...good, signature: good.signature.slice(0, -1) },
      { ...good, signature: good.signature.toUpperCase() },
      { ...good, signature: ` ${good.signature}` },
      envelope(one, { secret: OTHER_SECRET }),
      envelope(one, { name: 'raiseLimit' }),
      { ...good, by: 'bert' },
      { ...good, kind: 'reject' },
      { ...good, expiresAtMs: Number(good.expiresAtMs) + 1 },
    ];
    expect(await tell(one.handle, bare)).toEqual({ kind: 'refused', why: 'unsigned' });
    for (const body of bad)
      expect(await tell(one.handle, body)).toEqual({ kind: 'refused', why: 'bad_signature' });
    await one.handle.signal(decideSignal, bare as Decision);
    await unsigned.decide(one.yes);
    const refused = ['unsigned', ...bad.map(() => 'bad_signature'), 'unsigned', 'unsigned'];
    await until('the signals to be refused', async () => (await whys(one.handle)).length === refused.length);
    await expectOnlyTheRightOneCounts(one, refused);
  });

  test('P9 stale, future and malformed times; and arguments that nobody named', async () => {
    const one = await asked();
    const now = Date.now();
    const bad: (readonly [string, Decision])[] = [
      ['stale', envelope(one, { atMs: now - 120_000 })],
      ['not_yet_valid', envelope(one, { atMs: now + 10 * LIMITS.clockSkewMs })],
      ['malformed_times', envelope(one, { lifeMs: 0 })],
      ['malformed_times', envelope(one, { lifeMs: -1 })],
      ['malformed_times', envelope(one, { atMs: now + 0.5 })],
      ['malformed_times', envelope(one, { lifeMs: LIMITS.envelopeLifeMs + 1 })],
    ];
    for (const [why, body] of bad) expect(await tell(one.handle, body)).toEqual({ kind: 'refused', why });
    const { argsHash: _, ...blind } = one.yes;
    expect(await holdfast.decideNow(blind)).toEqual({ kind: 'refused', why: 'other_arguments' });
    await expectOnlyTheRightOneCounts(one, [...bad.map(([why]) => why), 'other_arguments']);
  });

  test('P8 a captured decision means nothing in another run, nor for another approval', async () => {
    const [from, to] = [await asked(), await asked()];
    await holdfast.decide(from.yes);
    await from.handle.result();
    const [captured] = await signalsOf(lab, from.handle);
    const { signal: _, ...body } = captured ?? {};
    expect(body.signature).toMatch(/^[0-9a-f]{64}$/);
    ran = 0;
    expect(await tell(to.handle, body)).toEqual({ kind: 'refused', why: 'unknown_approval' });
    // Turned towards the approval of the other run, it is not what was signed any more.
    expect(await tell(to.handle, { ...body, approval: to.row.id })).toEqual({
      kind: 'refused',
      why: 'bad_signature',
    });
    await expectOnlyTheRightOneCounts(to, ['unknown_approval', 'bad_signature']);
  });

  test('the card says which commands to run and has no signal to paste; the command line signs', async () => {
    const one = await asked();
    await until('the card', async () => (await cardOf(one.handle)).includes(one.row.id));
    const card = await cardOf(one.handle);
    expect(card).toContain(`\`holdfast approve ${one.row.id} --by "YOUR NAME"\``);
    expect(card).toContain('Signals that are sent by hand do not count here');
    expect(card).not.toContain('"kind":"approve"');
    expect(card).not.toContain('Send a Signal');
    expect((await cli(lab, ['approve', one.row.id, '--by', 'carl'])).code).not.toBe(0);
    expect(await cli(lab, ['approve', one.row.id, '--by', 'anna'])).toMatchObject({ code: 0 });
    expect(await one.handle.result()).toMatchObject({ outcome: 'completed' });
    expect(await auditOf(lab, one.handle, 'approval_approved')).toMatchObject([
      { facts: { by: 'anna', channel: 'cli', identity: 'signed' } },
    ]);
  });
});

describe('steering', () => {
  const landed = async () => {
    const requester = { id: 'customer', tenant: TENANT };
    const handle = await lab.start({ agent: 'short', message: 'run short', requester });
    await inState(lab, handle, 'landed');
    return handle;
  };
  const steered = async (handle: Handle) =>
    (await auditOf(lab, handle)).filter(
      ({ event, facts }) => event.startsWith('steer_') || 'signal' in facts,
    );

  test('P8 a captured raiseLimit counts once in its run and nowhere else', async () => {
    const [from, to] = [await landed(), await landed()];
    const { workflowId } = from;
    await unsigned.raiseLimit({ workflowId, by: 'olga', tokens: 100 });
    await holdfast.raiseLimit({ workflowId, by: 'anna', tokens: 100 });
    await holdfast.raiseLimit({ workflowId, by: 'olga', tokens: 100_000 });
    await inState(lab, from, 'idle');
    const captured = (await signalsOf(lab, from)).find(
      ({ by, tokens }) => by === 'olga' && tokens === 100_000,
    );
    const { signal: _, ...body } = captured ?? {};
    await from.signal('raiseLimit', body);
    await to.signal('raiseLimit', body);
    await holdfast.close({ workflowId, by: 'customer' });
    expect(await from.result()).toMatchObject({ outcome: 'completed' });
    expect(
      (await steered(from)).map(({ event, facts }) => [event, facts.by, facts.why ?? facts.tokens]),
    ).toEqual([
      ['decision_refused', 'olga', 'unsigned'],
      ['decision_refused', 'anna', 'not_an_operator'],
      ['steer_raiseLimit', 'olga', 100_000],
      ['decision_refused', 'olga', 'replayed'],
      ['steer_close', 'customer', undefined],
    ]);
    await until('the other run to refuse it', async () => (await steered(to)).length > 0);
    expect(await steered(to)).toMatchObject([
      { event: 'decision_refused', facts: { signal: 'raiseLimit', why: 'bad_signature' } },
    ]);
    await inState(lab, to, 'landed');
    // Stopping needs no key.
    await unsigned.cancel({ workflowId: to.workflowId, by: 'anybody' });
    expect(await to.result()).toMatchObject({ outcome: 'cancelled' });
    expect((await auditOf(lab, to, 'steer_cancel')).map(({ facts }) => facts.identity)).toEqual([
      'unverified',
    ]);
  });

  test('an unsigned close ends no run', async () => {
    const handle = await landed();
    await handle.signal(closeSignal, { by: 'customer' });
    await until('it to be refused', async () => (await whys(handle)).length > 0);
    expect(await whys(handle)).toEqual(['unsigned']);
    await unsigned.cancel({ workflowId: handle.workflowId, by: 'customer' });
    await handle.result();
  });
});
