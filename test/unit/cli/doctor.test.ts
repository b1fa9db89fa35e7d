import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { diagnosisText } from '../../../src/commands/doctor.ts';
import { agentChecks, lookAtApprovers } from '../../../src/commands/doctorAgents.ts';
import { examine, failure, ok, warning } from '../../../src/commands/doctorChecks.ts';
import type { Hash } from '../../../src/core/ids.ts';
import type { Ask } from '../../../src/core/policy.ts';
import type { Release } from '../../../src/core/release.ts';
import { secretValues } from '../../../src/guards/redact.ts';
import type { Person } from '../../../src/people/directory.ts';

describe('an agent', () => {
  const look = async (name: string) => {
    const module = new URL(`fixtures/${name}.ts`, import.meta.url).pathname;
    const [check] = agentChecks({ HOLDFAST_AGENTS: module }, null);
    return (await check?.look())?.map(({ state, found }) => `${state}: ${found}`);
  };

  test('each thing that its definition warns of is told, once, and nothing that is waived', async () => {
    expect(await look('ungatedAgent')).toEqual([
      expect.stringMatching(/^warning: ungated: no rule is about drop_order /),
      expect.stringMatching(/^warning: ungated: no rule is about refund_order /),
    ]);
    for (const name of ['plain', 'waived'])
      expect(await look(`${name}Agent`)).toEqual([`ok: ${name} loads and its policy is clean`]);
  });
});

describe('checks', () => {
  test('one that throws or hangs fails with its own advice, and the others are told all the same', async () => {
    const findings = await examine(
      [
        { name: 'throws', mend: 'mend it', look: () => Promise.reject(new Error('broken\n at line 1')) },
        { name: 'hangs', mend: 'wake it', look: () => new Promise(() => undefined) },
        { name: 'two', mend: '', look: async () => [ok('well'), warning('hm', 'look')] },
      ],
      { environment: {}, timeoutMs: 20 },
    );
    expect(findings).toEqual([
      { check: 'throws', state: 'failure', found: 'broken', mend: 'mend it' },
      { check: 'hangs', state: 'failure', found: 'no answer within 0.02 s', mend: 'wake it' },
      { check: 'two', state: 'ok', found: 'well', mend: null },
      { check: 'two', state: 'warning', found: 'hm', mend: 'look' },
    ]);
  });

  test('secrets are hidden, whoever quotes them: those that a worker hides in its log', async () => {
    const environment = {
      DATABASE_URL: 'postgres://me:pass%20word@host/db',
      HOLDFAST_DECISION_KEY: 'first-secret second-secret',
      HOLDFAST_WEBHOOK_SECRET: 'whsec_abcdef',
      PGPASSWORD: 'hidden-by-its-name',
      SHOP_TOKEN: 'token-of-a-tool',
    };
    const secrets = [...secretValues(environment), Buffer.from('token-of-a-tool').toString('hex')];
    expect(secrets).toContain('pass word');
    expect(secrets).toContain('token-of-a-tool');
    const all = secrets.join(', ');
    const [found] = await examine([{ name: 'x', mend: '', look: async () => [failure(all, `use ${all}`)] }], {
      environment,
    });
    for (const words of [found?.found ?? '', found?.mend ?? ''])
      for (const secret of secrets) expect(words).not.toContain(secret);
    expect(found?.mend).toMatch(/^use \[secret\], /);
  });

  test('each line says how it stands, and what is not ok how to mend it', () => {
    const text = diagnosisText(
      {
        findings: [
          { check: 'worker', state: 'failure', found: 'nobody polls', mend: 'start one' },
          { check: 'prices', state: 'ok', found: 'known', mend: null },
        ],
        failures: 1,
        warnings: 0,
      },
      pc.createColors(false),
    );
    expect(text.split('\n')).toEqual([
      'failure  worker  nobody polls',
      '                 mend: start one',
      'ok       prices  known',
      '',
      '1 failure, 0 warnings',
    ]);
  });
});

describe('whether anybody can approve', () => {
  const person = (id: string, more: Partial<Person> = {}): Person => ({
    ...{ id, name: id, kind: 'person', tenant: null, roles: [], active: true },
    ...more,
  });
  const manager = (id: string, more: Partial<Person> = {}) => person(id, { roles: ['manager'], ...more });
  const states = (ask: Partial<Ask>, people: readonly Person[], signed = false) => {
    const policy = [{ name: 'r', match: {}, answer: { kind: 'ask', reason: 'why', ...ask } }];
    const body = { agent: 'lab', policy } as unknown as Release;
    const channel = { agent: 'lab', channel: 'live', release: 'h' as Hash, body };
    return lookAtApprovers([channel, { ...channel, channel: 'canary' }], people, signed).map(
      ({ state }) => state,
    );
  };
  const roles = ['manager'];

  test.each([
    ['a role that nobody has', { approvers: { roles } }, [], false, 'failure'],
    ['a role that somebody has', { approvers: { roles } }, [manager('a')], false, 'ok'],
    [
      'a role of somebody who left',
      { approvers: { roles } },
      [manager('a', { active: false })],
      false,
      'failure',
    ],
    ['a role of a service', { approvers: { roles } }, [manager('a', { kind: 'service' })], false, 'failure'],
    ['two of a role that one has', { approvers: { roles }, quorum: 2 }, [manager('a')], false, 'failure'],
    [
      'two: one by role, one by name',
      { approvers: { roles, people: ['b'] }, quorum: 2 },
      [manager('a')],
      false,
      'ok',
    ],
    [
      'two: one by role and by name',
      { approvers: { roles, people: ['a'] }, quorum: 2 },
      [manager('a')],
      false,
      'failure',
    ],
    ['a stranger by name, unsigned', { approvers: { people: ['b'] } }, [], false, 'ok'],
    ['a stranger by name, signed', { approvers: { people: ['b'] } }, [], true, 'failure'],
    [
      'by name somebody who left',
      { approvers: { people: ['b'] } },
      [person('b', { active: false })],
      false,
      'failure',
    ],
    ['anybody, unsigned', {}, [], false, 'ok'],
    ['anybody, signed, nobody there', {}, [], true, 'failure'],
    ['anybody, signed', {}, [person('a')], true, 'ok'],
    ['the customer', { of: 'requester' as const }, [], true, 'ok'],
    [
      'nobody before the escalation',
      { approvers: { roles }, escalation: [{ afterMs: 1, approvers: { roles: ['owner'] } }] },
      [person('a', { roles: ['owner'] })],
      false,
      'warning',
    ],
  ] as const)('%s', (_, ask, people, signed, state) => {
    expect(states(ask, people, signed)).toEqual([state]);
  });
});
