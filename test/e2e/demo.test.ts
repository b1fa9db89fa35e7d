import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { conversations, patientReturn, smallReturn } from '../../src/dev/conversations.ts';
import type { Patience } from '../../src/dev/patience.ts';
import { checkPatience, readPatienceFacts } from '../../src/dev/patienceProof.ts';
import { checkDecided, checkOnce, checkReadOnly, type Facts, readFacts } from '../../src/dev/proof.ts';
import { governorId } from '../../src/governorSchedule.ts';
import { listPeople } from '../../src/people/storeDirectory.ts';
import { connect, type Sql } from '../../src/store/connection.ts';

interface Conversation {
  readonly id: string;
  readonly ok: boolean;
  readonly workflowId: string;
  readonly run: string;
  readonly order: string;
  readonly outcome: string;
  readonly reason: string;
  readonly answer: string;
  readonly steps: number;
  readonly tokens: number;
  readonly costMicroUsd: number;
  readonly decisions: readonly { readonly approved: boolean; readonly by: string }[];
  readonly checks: readonly { readonly what: string; readonly holds: boolean }[];
  readonly patience?: Patience;
  readonly kill?: { readonly killedPid: number; readonly newPid: number; readonly before: Facts };
}

interface Demo {
  readonly ok: boolean;
  readonly model: string;
  readonly conversations: readonly Conversation[];
}

const name = `demo_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
/** About 50 s, of which a lease and three compressed days are waiting; four times that where the machine is busy. */
const DEMO_TIMEOUT_MS = 220_000;
let sql: Sql;
let demo: Demo;
let exitCode: number | null;

/** The demo as a person would run it, on the stack of the tests and in a database of its own. */
beforeAll(async () => {
  await onServer((admin) => admin.unsafe(`create database ${name}`));
  const url = new URL(inject('databaseUrl'));
  url.pathname = `/${name}`;
  sql = connect(url.href);
  const module = new URL('../../src/dev/demo.ts', import.meta.url).href;
  const options = JSON.stringify({ yes: true, scripted: false, json: true });
  const program = `import { runDemo } from ${JSON.stringify(module)}; process.exit(await runDemo(${options}));`;
  const { ANTHROPIC_API_KEY: _key, HOLDFAST_DECISION_KEY: _signed, ...environment } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    env: { ...environment, DATABASE_URL: url.href, TEMPORAL_ADDRESS: inject('temporalAddress') },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEMO_TIMEOUT_MS,
  });
  let document = '';
  let progress = '';
  child.stdout.on('data', (chunk) => {
    document += chunk;
  });
  child.stderr.on('data', (chunk) => {
    progress += chunk;
  });
  exitCode = await new Promise((resolve) => child.once('close', resolve));
  const parsed: Partial<Demo> = document === '' ? {} : JSON.parse(document);
  if (parsed.conversations === undefined)
    throw new Error(`the demo did not get to its end (exit code ${exitCode}):\n${progress}\n${document}`);
  demo = parsed as Demo;
}, DEMO_TIMEOUT_MS + 10_000);

afterAll(async () => {
  await sql?.end({ timeoutMs: 5_000 });
  await onServer((admin) => admin.unsafe(`drop database if exists ${name} with (force)`));
});

async function onServer(work: (admin: Sql) => Promise<unknown>): Promise<void> {
  const admin = connect(inject('databaseUrl'), { maxConnections: 1 });
  try {
    await work(admin);
  } finally {
    await admin.end({ timeoutMs: 5_000 });
  }
}

function played(id: string): Conversation {
  const found = demo.conversations.find((one) => one.id === id);
  if (found === undefined) throw new Error(`the demo did not play "${id}"`);
  return found;
}

describe('the demo', () => {
  test('ends with four completed conversations and exit code 0', () => {
    expect(demo.conversations.flatMap(({ checks }) => checks.filter(({ holds }) => !holds))).toEqual([]);
    expect(demo).toMatchObject({ ok: true, model: 'scripted' });
    expect(demo.conversations.map(({ id, ok, outcome, reason }) => [id, ok, outcome, reason])).toEqual([
      ['question', true, 'completed', 'closed'],
      ['return', true, 'completed', 'closed'],
      ['crash', true, 'completed', 'closed'],
      ['patience', true, 'completed', 'closed'],
    ]);
    for (const { steps, tokens, costMicroUsd, answer } of demo.conversations) {
      expect(steps).toBeGreaterThanOrEqual(3);
      expect(tokens).toBeGreaterThan(1_000);
      expect(costMicroUsd).toBeGreaterThan(0);
      expect(answer).toMatch(/#W7000\d{3}/);
    }
    expect(exitCode).toBe(0);
  });

  test('asks for the large returns and not for the small one', () => {
    expect(demo.conversations.map(({ decisions }) => decisions)).toMatchObject([
      [],
      [{ approved: true, by: `demo@${played('return').workflowId}` }],
      [],
      [{ approved: true, by: `dora@${played('patience').workflowId}` }],
    ]);
  });

  test('leaves no schedule behind that would start workflows nobody is there for', async () => {
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    try {
      const client = new Client({ connection });
      const { taskQueue } = await client.workflow.getHandle(played('question').workflowId).describe();
      expect(taskQueue).toMatch(/^holdfast-demo-/);
      const schedule = client.schedule.getHandle(governorId(taskQueue)).describe();
      await expect(schedule).rejects.toThrow(ScheduleNotFoundError);
    } finally {
      await connection.close();
    }
  });

  test('kills one worker, goes on with another, and leaves neither behind', () => {
    const { kill } = played('crash');
    expect(kill?.killedPid).not.toBe(kill?.newPid);
    expect(kill?.before.effects).toMatchObject([{ state: 'claimed', fence: 1 }]);
    for (const pid of [kill?.killedPid ?? 0, kill?.newPid ?? 0])
      expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});

describe('an approval of three days', () => {
  const patience = (): Patience => {
    const found = played('patience').patience;
    if (found === undefined) throw new Error('nobody waited');
    return found;
  };
  const broken = async (from: Sql, changed: Partial<Patience> = {}) => {
    const { run, workflowId, order } = played('patience');
    const facts = await readFacts(from, { run, shop: workflowId, order });
    const found = await readPatienceFacts(from, run, patience().decider.id);
    return checkPatience({ ...found, facts, patience: { ...patience(), ...changed } }, patientReturn.order)
      .filter(({ holds }) => !holds)
      .map(({ what }) => what);
  };

  test('reminds twice, escalates, and is decided by somebody else: never early, and in time', () => {
    const { story } = patience();
    expect(story.map(({ type }) => type)).toEqual([
      'approval.opened',
      'approval.reminder',
      'approval.reminder',
      'approval.escalated',
      'approval.closed',
    ]);
    const dueHours = [0, 24, 48, 60, 66];
    story.forEach(({ hour }, i) => {
      expect(hour).toBeGreaterThanOrEqual(dueHours[i] ?? 0);
    });
    expect(story.at(-1)?.hour).toBeLessThan(120);
    expect(story.map(({ words }) => words)).toEqual([
      'asked the approvers (role clerk)',
      'reminded the approvers (role clerk)',
      'reminded the approvers (role clerk)',
      'escalated to role director',
      'decided by Dora (director): approved',
    ]);
  });

  test('leaves nobody behind who may decide', async () => {
    const people = await listPeople(sql, { all: true, limit: 100 });
    expect(people.length).toBeGreaterThanOrEqual(3);
    for (const { active, tenant, id } of people)
      expect({ id, active, tenant }).toEqual({ id, active: false, tenant: id.split('@')[1] });
  });

  test('the proof holds for what is in the database', async () => {
    expect(await broken(sql)).toEqual([]);
  });

  test.each<[string, (tx: Sql) => Promise<unknown>, readonly RegExp[]]>([
    [
      'a third reminder in the audit',
      (tx) => tx`select audit_append(${played('patience').run}, 'approval_reminded', '', '{}'::jsonb)`,
      [/two reminders/],
    ],
    [
      'a reminder that nobody was told of',
      (tx) => tx`delete from notices where run = ${played('patience').run} and type = 'approval.reminder'`,
      [/two reminders/],
    ],
    [
      'a decision by the clerk',
      (tx) => tx`
        update approvals set decision = (decision::jsonb || '{"by":"clara"}')::text where run = ${played('patience').run}`,
      [/those it went to/],
    ],
    [
      'a decider who is no director',
      (tx) => tx`update people set roles = '{clerk}' where id = ${patience().decider.id}`,
      [/those it went to/],
    ],
    [
      'an effect for another tenant',
      (tx) => tx`update effects set tenant = 'elsewhere' where run = ${played('patience').run}`,
      [/own identity/],
    ],
    [
      'a request in the name of the director',
      (tx) =>
        tx`update approvals set requester = ${patience().decider.id} where run = ${played('patience').run}`,
      [/own identity/],
    ],
    [
      'a change in another shop',
      (tx) => tx`
        insert into shop.applied (shop, idempotency_key, result)
        select 'elsewhere', idempotency_key, result from shop.applied where shop = ${played('patience').workflowId}`,
      [/remembers its key once/, /own identity/],
    ],
    [
      'an effect that was taken over',
      (tx) => tx`update effects set fence = 2 where run = ${played('patience').run}`,
      [/first attempt/],
    ],
    [
      'another order changed too',
      (tx) => tx`
        update shop.orders set body = body || '{"status":"cancelled"}' where shop = ${played('patience').workflowId} and id = '#W7000101'`,
      [/only order/],
    ],
    [
      'an edited audit row',
      (tx) => tx`update audit set key = 'other' where run = ${played('patience').run} and seq = 1`,
      [/audit chain/, /audit verify/],
    ],
    [
      'an end that the audit has no word of',
      (tx) => tx`delete from audit where run = ${played('patience').run} and event = 'run_ended'`,
      [/audit verify/],
    ],
  ])('the proof fails on %s', async (_, plant, problems) => {
    const found = await planted(plant, broken);
    expect(found).toHaveLength(problems.length);
    problems.forEach((problem, i) => {
      expect(found[i]).toMatch(problem);
    });
  });

  test('the proof fails when something had run before the decision', async () => {
    const { run, workflowId, order } = played('patience');
    const before = await readFacts(sql, { run, shop: workflowId, order });
    expect(await broken(sql, { before })).toEqual([expect.stringMatching(/nothing ran before/)]);
  });
});

/** What `look` finds where something was written into the real tables, which is then taken back. */
async function planted<Found>(
  plant: (tx: Sql) => Promise<unknown>,
  look: (tx: Sql) => Promise<Found>,
): Promise<Found> {
  const undone = new Error('taken back');
  let found: { readonly value: Found } | null = null;
  const planting = sql.begin(async (tx) => {
    // What begins a transaction of its own gets this one, or it would not see what was planted.
    const begin = (_mode: string, work: (same: typeof tx) => Promise<unknown>) => work(tx);
    const inside = Object.assign(tx, { begin }) as unknown as Sql;
    await plant(inside);
    found = { value: await look(inside) };
    throw undone;
  });
  await expect(planting).rejects.toBe(undone);
  if (found === null) throw new Error('nothing was read');
  return (found as { readonly value: Found }).value;
}

describe('the proof that an effect happened once', () => {
  const facts = () => {
    const { run, workflowId, order } = played('crash');
    return readFacts(sql, { run, shop: workflowId, order });
  };
  const broken = async (before: Facts, after: Facts) =>
    checkOnce(before, after, smallReturn.order)
      .filter(({ holds }) => !holds)
      .map(({ what }) => what);
  const beforeKill = (): Facts => {
    const { kill } = played('crash');
    if (kill === undefined) throw new Error('nothing was killed');
    return kill.before;
  };

  test('holds for what is in the database', async () => {
    const after = await facts();
    expect(after.effects).toMatchObject([{ state: 'applied', fence: 2 }]);
    expect(after.applied).toHaveLength(1);
    expect(await broken(beforeKill(), after)).toEqual([]);
  });

  test.each<[string, (tx: Sql) => Promise<unknown>, RegExp]>([
    [
      'a second change of the order, to the same content',
      (tx) =>
        tx`update shop.orders set body = body where shop = ${played('crash').workflowId} and id = ${played('crash').order}`,
      /written once/,
    ],
    [
      'a second key that the shop remembers',
      (tx) =>
        tx`insert into shop.applied (shop, idempotency_key, result) values (${played('crash').workflowId}, 'another', '{}')`,
      /remembers its key once/,
    ],
    [
      'the same key applied to another shop',
      (tx) => tx`
        insert into shop.applied (shop, idempotency_key, result)
        select 'elsewhere', idempotency_key, result from shop.applied where shop = ${played('crash').workflowId}`,
      /remembers its key once/,
    ],
    [
      'a second applied effect of the run',
      (tx) => tx`
        insert into effects (key, run, tool, release, args_hash, mode, state, fence, lease_until)
        select run || '/9/9', run, tool, release, args_hash, mode, 'applied', 1, lease_until from effects where run = ${played('crash').run}`,
      /one effect, applied/,
    ],
    [
      'an incident in the audit',
      (tx) => tx`select audit_append(${played('crash').run}, 'incident_second_applied', 'key', '{}'::jsonb)`,
      /no incident/,
    ],
    [
      'another order changed too',
      (tx) => tx`
        update shop.orders set body = body || '{"status":"cancelled"}' where shop = ${played('crash').workflowId} and id = '#W7000101'`,
      /only order/,
    ],
    [
      'an edited audit row',
      (tx) => tx`update audit set facts = '{}' where run = ${played('crash').run} and seq = 1`,
      /audit chain/,
    ],
  ])('fails on %s', async (_, plant, problem) => {
    const { run, workflowId, order } = played('crash');
    const after = await planted(plant, (tx) => readFacts(tx, { run, shop: workflowId, order }));
    const found = await broken(beforeKill(), after);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(problem);
  });

  test('fails when the kill came too early or too late to prove anything', async () => {
    const after = await facts();
    const early: Facts = { ...beforeKill(), applied: [], changedOrders: [] };
    expect(await broken(early, after)).toEqual([expect.stringMatching(/kill came in the middle/)]);
    expect(await broken(after, after)).toEqual([expect.stringMatching(/kill came in the middle/)]);
  });

  test('the other conversations are judged as strictly', async () => {
    const crash = await facts();
    const fails = (checks: readonly { readonly holds: boolean }[]) => checks.some(({ holds }) => !holds);
    expect(fails(checkReadOnly(crash))).toBe(true);
    expect(fails(checkDecided(crash, { order: crash.changedOrders[0] ?? '', approved: true }))).toBe(true);
    const { run, workflowId, order } = played('return');
    const decided = await readFacts(sql, { run, shop: workflowId, order });
    expect(fails(checkDecided(decided, { order, approved: true }))).toBe(false);
    expect(fails(checkDecided(decided, { order, approved: false }))).toBe(true);
    expect(fails(checkDecided(decided, { order: '#W7000102', approved: true }))).toBe(true);
  });
});

test.each(conversations.map((one) => [one.script.id, one] as const))(
  'the customer says what the script "%s" waits for',
  (_, { texts, script }) => {
    const waitedFor = script.steps.flatMap(({ sees }) => (sees?.text === undefined ? [] : [sees.text]));
    expect(texts[0]).toBe(script.opening);
    expect(waitedFor).toHaveLength(texts.length - 1);
    waitedFor.forEach((words, i) => {
      expect(texts[i + 1]).toContain(words);
    });
  },
);
