import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Diagnosis, diagnose } from '../../src/commands/doctor.ts';
import type { Finding } from '../../src/commands/doctorChecks.ts';
import type { Rule } from '../../src/core/policy.ts';
import { removePerson, setPerson } from '../../src/people/storeDirectory.ts';
import { writeAnchor } from '../../src/store/anchors.ts';
import { liftSwitch, setSwitch } from '../../src/store/switches.ts';
import { type Lab, openLab, until } from './lab.ts';
import { effectTool, labAgent } from './labAgent.ts';

/** Each thing is broken in turn: `doctor` names it, says how to mend it, and calls nothing else broken. */
const ROOT = new URL('../../', import.meta.url).pathname;
const KEY = 'a-decision-key-of-more-than-thirty-two-characters';

const POLICY: readonly Rule[] = [
  {
    name: 'managers',
    match: { tools: ['pay'] },
    answer: { kind: 'ask', reason: 'money moves', approvers: { roles: ['manager'] }, quorum: 2 },
  },
];

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [labAgent([effectTool('pay')], { policy: POLICY })],
  });
  for (const name of ['anna', 'bert']) await setPerson(lab.sql, name, { roles: ['manager'] }, 'test');
  await until('both pollers', async () => {
    const findings = await look();
    return findings.find(({ check }) => check === 'worker')?.state === 'ok';
  });
});
afterAll(() => lab[Symbol.asyncDispose]());

function look(more: Readonly<Record<string, string>> = {}): Promise<readonly Finding[]> {
  const { PATH = '', HOME = '' } = process.env;
  return diagnose({ PATH, HOME, ...lab.environment, ...more }, ROOT);
}

/** Failures by check, and the words of everything. */
async function failuresOf(more: Readonly<Record<string, string>> = {}) {
  const findings = await look(more);
  for (const one of findings)
    expect(one.mend !== null && one.mend !== '', `${one.check}: ${one.found}`).toBe(
      one.state === 'warning' || one.state === 'failure',
    );
  return {
    failed: findings.filter(({ state }) => state === 'failure').map(({ check }) => check),
    warned: findings.filter(({ state }) => state === 'warning').map(({ check }) => check),
    said: findings.map(({ found, mend }) => `${found} ${mend}`).join('\n'),
  };
}

test('a lab that works has no failure, and every check has been made', async () => {
  const findings = await look();
  expect(findings.filter(({ state }) => state === 'failure')).toEqual([]);
  expect([...new Set(findings.map(({ check }) => check))]).toEqual([
    'temporal',
    'search attributes',
    'worker',
    'database',
    'migrations',
    'decision key',
    'notices',
    'audit',
    'switches',
    'breakers',
    'releases',
    'approvers',
    'agent',
    'model',
    'prices',
    'versions',
  ]);
  expect(findings.filter(({ state }) => state === 'skipped')).toEqual([]);
});

describe('settings', () => {
  test.each([
    ['HOLDFAST_TASK_QUEUE', 'nobody-here', ['worker'], 'nobody polls task queue nobody-here'],
    ['HOLDFAST_MODEL_STANDARD', 'claude-sonnet-99', ['prices'], 'claude-sonnet-99'],
    ['HOLDFAST_MODEL_URL', 'http://127.0.0.1:1', ['model'], 'nothing answers at 127.0.0.1:1'],
    ['HOLDFAST_AGENTS', 'no-such-agent', ['agent'], 'no-such-agent'],
    ['HOLDFAST_DECISION_KEY', 'shortkey', ['decision key'], 'has 8 characters'],
  ])('%s=%s fails %o', async (name, value, failed, words) => {
    const found = await failuresOf({ [name]: value });
    expect(found.failed).toEqual(failed);
    expect(found.said).toContain(words);
    if (name === 'HOLDFAST_DECISION_KEY') expect(found.said).not.toContain(value);
  });

  test('an unpriced model that is allowed is a warning', async () => {
    const found = await failuresOf({ HOLDFAST_MODEL_DEEP: 'claude-x', HOLDFAST_ALLOW_UNPRICED: 'on' });
    expect(found).toMatchObject({ failed: [], warned: expect.arrayContaining(['prices']) });
  });

  test('a database that is away fails once; what needs it is skipped, and nothing shows the password', async () => {
    const findings = await look({ DATABASE_URL: 'postgres://someone:secret-word@127.0.0.1:1/none' });
    expect(findings.filter(({ state }) => state === 'failure').map(({ check }) => check)).toEqual([
      'database',
    ]);
    expect(findings.filter(({ state }) => state === 'skipped').map(({ check }) => check)).toEqual([
      'migrations',
      'decision key',
      'notices',
      'audit',
      'switches',
      'breakers',
      'releases',
      'approvers',
    ]);
    expect(JSON.stringify(findings)).not.toContain('secret-word');
  });
});

describe('records', () => {
  test.each([
    ['hash', "update migrations set hash = 'x' where name = '0001_trunk.sql'", 'other bytes'],
    ['row', "delete from migrations where name = '0005_rules.sql'", 'not applied: 0005_rules.sql'],
  ])('a migration whose %s is not the one of this version', async (_, change, words) => {
    const before = await lab.sql<{ name: string; hash: string }[]>`select name, hash from migrations`;
    await lab.sql.unsafe(change);
    const found = await failuresOf();
    for (const { name, hash } of before)
      await lab.sql`insert into migrations (name, hash) values (${name}, ${hash})
        on conflict (name) do update set hash = excluded.hash`;
    expect(found.failed).toEqual(['migrations']);
    expect(found.said).toContain(words);
  });

  test('a database without the schema', async () => {
    const other = new URL(lab.config.databaseUrl);
    other.pathname = '/postgres';
    const found = await failuresOf({ DATABASE_URL: other.href });
    expect(found.failed).toEqual(['migrations']);
    expect(found.said).toContain('not applied: 0001_trunk.sql');
  });

  test('too few people for what a policy asks: nobody can approve', async () => {
    await removePerson(lab.sql, 'bert', 'test');
    const one = await failuresOf();
    await removePerson(lab.sql, 'anna', 'test');
    const none = await failuresOf();
    for (const name of ['anna', 'bert'])
      await setPerson(lab.sql, name, { roles: ['manager'], active: true }, 'test');
    expect(one.failed).toEqual(['approvers']);
    expect(one.said).toContain('2 people of role manager must agree, and there is one');
    expect(none.failed).toEqual(['approvers']);
    expect(none.said).toContain('and there is nobody');
    expect((await failuresOf()).failed).toEqual([]);
  });

  test('an open switch and a notice that was given up are warnings', async () => {
    const change = { name: 'tool:pay', by: 'anna', reason: 'wrong sums' };
    await setSwitch(lab.sql, change);
    await lab.sql`insert into notices (id, run, type, body) values ('msg_1', 'r', 'approval.opened', '{}')`;
    await lab.sql`insert into deliveries (notice, notifier, state, why)
      values ('msg_1', 'webhook', 'given_up', 'it answered 500')`;
    const found = await failuresOf();
    await liftSwitch(lab.sql, change);
    await lab.sql`delete from notices`;
    expect(found).toMatchObject({ failed: [], warned: expect.arrayContaining(['switches', 'notices']) });
    expect(found.said).toContain("holdfast stop --tool 'pay' --off");
    expect(found.said).toContain('it answered 500');
  });

  test('a release that was changed after it was published', async () => {
    const [release] = await lab.sql<
      { hash: string; body: string }[]
    >`select hash, body from releases limit 1`;
    const { hash = '', body = '' } = release ?? {};
    await lab.sql`update releases set body = ${`${body} `} where hash = ${hash}`;
    const found = await failuresOf();
    await lab.sql`update releases set body = ${body} where hash = ${hash}`;
    expect(found.failed).toEqual(['releases']);
    expect(found.said).toContain('changed after it was published');
  });

  test('audit rows that no anchor has seen in time', async () => {
    await lab.sql`select audit_append('r1', 'run_ended', '', '{}')`;
    expect((await failuresOf()).failed).toEqual([]);
    await lab.sql`update audit set at_us = at_us - 3600000000 where run = 'r1'`;
    expect((await failuresOf()).failed).toEqual(['audit']);
    await writeAnchor(lab.sql, 0);
    expect((await failuresOf()).failed).toEqual([]);
  });

  test('keys that do not agree show in what was refused', async () => {
    const refused = (why: string) =>
      lab.sql`select audit_append('r2', 'decision_refused', 'a', ${JSON.stringify({ why })}::text::jsonb)`;
    const settle = async (key: Readonly<Record<string, string>>) => {
      const { failed, warned } = await failuresOf(key);
      const state = (list: readonly string[]) => list.includes('decision key');
      return state(failed) ? 'failure' : state(warned) ? 'warning' : 'ok';
    };
    const keyed = { HOLDFAST_DECISION_KEY: KEY };
    expect([await settle({}), await settle(keyed)]).toEqual(['warning', 'ok']);
    await refused('unsigned');
    expect([await settle({}), await settle(keyed)]).toEqual(['failure', 'warning']);
    await refused('bad_signature');
    expect([await settle({}), await settle(keyed)]).toEqual(['failure', 'failure']);
    await lab.sql`update audit set at_us = at_us - 2 * 86400000000 where run = 'r2'`;
    expect(await settle(keyed)).toBe('ok');
    await lab.sql`delete from audit where run = 'r2'`;
  });
});

describe('the command', () => {
  async function cli(more: Readonly<Record<string, string>>, ...words: readonly string[]) {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', 'doctor', ...words], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...lab.environment, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 45_000,
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, stdout };
  }

  test('ends with 0 while nothing fails, and with 1 when something does', async () => {
    const well = await cli({}, '--json');
    expect(well.code).toBe(0);
    expect(JSON.parse(well.stdout) as Diagnosis).toMatchObject({ failures: 0 });
    const away = await cli({ TEMPORAL_ADDRESS: '127.0.0.1:1', HOLDFAST_DECISION_KEY: KEY });
    expect(away.code).toBe(1);
    expect(away.stdout).toMatch(/failure {2}temporal +Temporal at 127\.0\.0\.1:1 cannot be reached/);
    expect(away.stdout).toMatch(/skipped {2}worker +needs temporal/);
    expect(away.stdout).not.toContain(KEY);
    const elsewhere = await cli({ TEMPORAL_NAMESPACE: 'nowhere' }, '--json');
    expect(elsewhere.code).toBe(1);
    const { findings } = JSON.parse(elsewhere.stdout) as Diagnosis;
    expect(findings.find(({ check }) => check === 'temporal')).toMatchObject({ state: 'failure' });
  });
});
