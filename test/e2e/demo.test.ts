import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { conversations, smallReturn } from '../../src/dev/conversations.ts';
import { checkDecided, checkOnce, checkReadOnly, type Facts, readFacts } from '../../src/dev/proof.ts';
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
  readonly kill?: { readonly killedPid: number; readonly newPid: number; readonly before: Facts };
}

interface Demo {
  readonly ok: boolean;
  readonly model: string;
  readonly conversations: readonly Conversation[];
}

const name = `demo_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
const DEMO_TIMEOUT_MS = 170_000;
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
  const { ANTHROPIC_API_KEY: _key, ...environment } = process.env;
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
  await sql?.end({ timeout: 5 });
  await onServer((admin) => admin.unsafe(`drop database if exists ${name} with (force)`));
});

async function onServer(work: (admin: postgres.Sql) => Promise<unknown>): Promise<void> {
  const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => undefined });
  try {
    await work(admin);
  } finally {
    await admin.end({ timeout: 5 });
  }
}

function played(id: string): Conversation {
  const found = demo.conversations.find((one) => one.id === id);
  if (found === undefined) throw new Error(`the demo did not play "${id}"`);
  return found;
}

describe('the demo', () => {
  test('ends with three completed conversations and exit code 0', () => {
    expect(demo.conversations.flatMap(({ checks }) => checks.filter(({ holds }) => !holds))).toEqual([]);
    expect(demo).toMatchObject({ ok: true, model: 'scripted' });
    expect(demo.conversations.map(({ id, ok, outcome, reason }) => [id, ok, outcome, reason])).toEqual([
      ['question', true, 'completed', 'closed'],
      ['return', true, 'completed', 'closed'],
      ['crash', true, 'completed', 'closed'],
    ]);
    for (const { steps, tokens, costMicroUsd, answer } of demo.conversations) {
      expect(steps).toBeGreaterThanOrEqual(3);
      expect(tokens).toBeGreaterThan(1_000);
      expect(costMicroUsd).toBeGreaterThan(0);
      expect(answer).toMatch(/#W7000\d{3}/);
    }
    expect(exitCode).toBe(0);
  });

  test('asks for the large return and not for the small one', () => {
    expect(demo.conversations.map(({ decisions }) => decisions)).toMatchObject([
      [],
      [{ approved: true, by: 'demo' }],
      [],
    ]);
  });

  test('kills one worker, goes on with another, and leaves neither behind', () => {
    const { kill } = played('crash');
    expect(kill?.killedPid).not.toBe(kill?.newPid);
    expect(kill?.before.effects).toMatchObject([{ state: 'claimed', fence: 1 }]);
    for (const pid of [kill?.killedPid ?? 0, kill?.newPid ?? 0])
      expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});

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

  /** Each is written into the real tables, looked at, and taken back. */
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
    const undone = new Error('taken back');
    let after: Facts | null = null;
    const planted = sql.begin(async (tx) => {
      await plant(tx as unknown as Sql);
      after = await readFacts(tx as unknown as Sql, { run, shop: workflowId, order });
      throw undone;
    });
    await expect(planted).rejects.toBe(undone);
    if (after === null) throw new Error('nothing was read');
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

  test('the other two conversations are judged as strictly', async () => {
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
