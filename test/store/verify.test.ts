import { ApplicationFailure } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { signEnvelope } from '../../src/control/signature.ts';
import { decideApproval, parseDecision } from '../../src/core/approvals.ts';
import type { RunId } from '../../src/core/ids.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { Directory, Person } from '../../src/people/directory.ts';
import { importPeople, setPerson, storeDirectory } from '../../src/people/storeDirectory.ts';
import { connect } from '../../src/store/connection.ts';
import { approvalRecord } from '../unit/core/builders.ts';
import { type Bench, openBench } from './bench.ts';
import { control, input, keysOf, NOW, RUN, SECRET, said, signed, TIMES, verify } from './controls.ts';
import { fakeEngine } from './fakeHistory.ts';

type Rest = Parameters<typeof verify> extends [Bench, ...infer Others] ? Others : never;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ serverUrl: inject('databaseUrl'), agents: [] });
  const person = (id: string, more: Partial<Person> = {}): Person => ({
    id,
    name: id,
    kind: 'person',
    tenant: null,
    roles: ['approver'],
    active: true,
    ...more,
  });
  await importPeople(
    bench.sql,
    [
      person('anna'),
      person('tess', { tenant: 'shop-1' }),
      person('theo', { tenant: 'shop-2' }),
      person('backend', { kind: 'service' }),
      person('gone', { active: false }),
    ],
    { by: 'test', replace: false },
  );
});
afterAll(() => bench[Symbol.asyncDispose]());

/** What became of each: why it was refused, or the roles it may count with. */
async function fates(...args: Rest): Promise<readonly unknown[]> {
  return (await verify(bench, ...args)).map((one) => (one.kind === 'ok' ? one.speaker.roles : one.why));
}

describe('with a decision key', () => {
  test('what is signed counts, with the roles of now', async () => {
    expect(await verify(bench, input([control(7, signed(said('anna')))]))).toEqual([
      { n: 7, kind: 'ok', speaker: { identity: 'signed', roles: ['approver'] }, arrivedAtMs: null },
    ]);
  });

  test('P8 captured signed decision replayed on another run', async () => {
    const captured = control(1, signed(said('anna')));
    expect(await fates(input([captured], { workflowId: 'chat-2' }))).toEqual(['bad_signature']);
    expect(await fates(input([{ ...captured, name: 'resume' }]))).toEqual(['bad_signature']);
    // A later run under the same workflow id has other approvals: there is nothing that this one could decide.
    expect(captured.body.approval).toContain(RUN);
  });

  test('P8 captured signed steering counts once, in this run and in a later one of the same workflow id', async () => {
    const raise = signed({ by: 'anna', channel: 'cli', tokens: 5, costMicroUsd: 0 }, { name: 'raiseLimit' });
    const steering = (n: number) => control(n, raise, { name: 'raiseLimit', approval: '' });
    for (let attempt = 1; attempt <= 2; attempt++)
      expect(await fates(input([steering(1), steering(2)]), { number: attempt })).toEqual([
        ['approver'],
        'replayed',
      ]);
    expect(await fates(input([steering(3)]))).toEqual(['replayed']);
    const later = input([steering(1)], { run: 'r00000000000000000002' as RunId });
    expect(await fates(later)).toEqual(['replayed']);
    const again = signed(
      { by: 'anna', channel: 'cli', tokens: 5, costMicroUsd: 0 },
      { name: 'raiseLimit', atMs: NOW },
    );
    expect(await fates(input([control(4, again, { name: 'raiseLimit', approval: '' })]))).toEqual([
      ['approver'],
    ]);
  });

  test('P9 stale, future, malformed timestamps', async () => {
    const body = said('anna');
    const { expiresAtMs: _, ...noExpiry } = signed(body);
    const answers = await fates(
      input([
        control(1, signed(body, { atMs: NOW - 2_000, expiresAtMs: NOW })),
        control(2, signed(body, { atMs: NOW + LIMITS.clockSkewMs + 1, expiresAtMs: NOW + 120_000 })),
        control(3, signed(body, { expiresAtMs: NOW - 1_000 })),
        control(4, signed(body, { expiresAtMs: NOW + LIMITS.envelopeLifeMs })),
        control(5, signed({ ...body, atMs: 'now' } as JsonObject, { atMs: 'now' as never })),
        control(6, noExpiry),
        control(7, { ...signed(body), expiresAtMs: NOW + 61_000 }),
        control(8, signed(body)),
      ]),
      { client: fakeEngine({}).client },
    );
    expect(answers).toEqual([
      'stale',
      'not_yet_valid',
      'malformed_times',
      'malformed_times',
      'malformed_times',
      'bad_signature',
      'bad_signature',
      ['approver'],
    ]);
  });

  test('P10 signature empty, truncated, wrong key, wrong case', async () => {
    const good = signed(said('anna'));
    const { signature, ...unsigned } = good;
    const text = String(signature);
    const other = { namespace: 'default', workflowId: 'chat-1', name: 'decide' } as const;
    const wrongKey = signEnvelope(keysOf('another-secret-of-some-characters'), other, said('anna'), TIMES);
    const wrong = ['', text.slice(0, 63), text.toUpperCase(), `${text}0`, null, 7, wrongKey.signature];
    expect(
      await fates(input(wrong.map((one, i) => control(i, { ...good, signature: one } as JsonObject)))),
    ).toEqual(wrong.map(() => 'bad_signature'));
    expect(await fates(input([control(1, unsigned)]))).toEqual(['unsigned']);
    expect(await fates(input([control(1, { ...good, kind: 'reject' })]))).toEqual(['bad_signature']);
  });

  test('P5 role removed between ask and answer: the decision counts with the roles of now', async () => {
    const { sql } = bench;
    await setPerson(sql, 'rita', { roles: ['approver'] }, 'test');
    const asked = approvalRecord({
      approvers: { roles: ['approver'] },
      requester: 'customer',
      requesterMay: 'not',
      deadlineMs: NOW + 1,
    });
    const body = signed({ ...said('rita'), argsHash: asked.argsHash });
    const answer = async () => {
      const [verified] = await verify(bench, input([control(1, body)]));
      const decision = parseDecision(body);
      if (verified?.kind !== 'ok' || decision === null)
        throw new Error('it was refused before it was judged');
      return decideApproval(asked, decision, verified.speaker, NOW);
    };
    expect(await answer()).toMatchObject({ kind: 'decided' });
    await setPerson(sql, 'rita', { roles: [] }, 'test');
    expect(await answer()).toEqual({ kind: 'refused', why: 'not_an_approver' });
  });

  test('P5 other tenant, P6 service account, and people who are gone or unknown', async () => {
    const ids = ['tess', 'theo', 'backend', 'gone', 'nobody', 'anna', 'customer'];
    const controls = ids.map((id, i) => control(i, signed(said(id))));
    expect(await fates(input(controls))).toEqual([
      ['approver'],
      'other_tenant',
      'service_account',
      'inactive_person',
      'unknown_person',
      ['approver'],
      [],
    ]);
    const nowhere = { requester: { id: 'someone', tenant: null, roles: [] } };
    expect(await fates(input(controls, nowhere))).toEqual([
      'other_tenant',
      'other_tenant',
      'service_account',
      'inactive_person',
      'unknown_person',
      ['approver'],
      'unknown_person',
    ]);
  });

  test('P6 the roles that a customer was started with are no roles of an approver', async () => {
    const requester = { id: 'customer', tenant: null, roles: ['approver'] };
    expect(await fates(input([control(1, signed(said('customer')))], { requester }))).toEqual([[]]);
  });

  test('a batch is answered in its order, by one look into the directory, without those who need none', async () => {
    const asked: (readonly string[])[] = [];
    const company: Directory = {
      find: async (ids) => {
        asked.push(ids);
        return new Map(
          ids.map((id) => [
            id,
            { id, name: id, kind: 'person', tenant: null, roles: [`r-${id}`], active: true },
          ]),
        );
      },
    };
    const bodies = [signed(said('b')), said('forged'), signed(said('a')), signed(said('b'))];
    const controls = bodies.map((body, i) => control(10 + i, body));
    const answers = await verify(bench, input(controls), { services: { directory: company } });
    expect(answers.map((one) => [one.n, one.kind])).toEqual([
      [10, 'ok'],
      [11, 'refused'],
      [12, 'ok'],
      [13, 'ok'],
    ]);
    expect(asked).toEqual([['b', 'a']]);
    expect(await verify(bench, input([]), { services: { directory: company } })).toEqual([]);
    expect(asked).toHaveLength(1);
  });

  test('a store that is away is a failure to try again, and nobody is refused for it', async () => {
    const away = connect('postgres://nobody:none@127.0.0.1:1/none');
    try {
      const attempt = verify(bench, input([control(1, signed(said('anna')))]), {
        services: { directory: storeDirectory(away) },
      });
      const error: unknown = await attempt.catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(ApplicationFailure);
      expect(error).toMatchObject({ type: 'store_unavailable', nonRetryable: false });
      expect(JSON.stringify(error) + String(error)).not.toContain(SECRET);
    } finally {
      await away.end({ timeoutMs: 1_000 });
    }
  });
});

describe('without a decision key', () => {
  test('everybody is believed, as unverified, as far as the directory does not object', async () => {
    const ids = ['anna', 'nobody', 'theo', 'backend', 'gone', 'customer'];
    const answers = await verify(bench, input(ids.map((id, i) => control(i, said(id)))), { keys: null });
    const ok = (n: number, roles: readonly string[]) => ({
      n,
      kind: 'ok',
      speaker: { identity: 'unverified', roles },
      arrivedAtMs: null,
    });
    expect(answers).toEqual([
      ok(0, ['approver']),
      ok(1, []),
      { n: 2, kind: 'refused', why: 'other_tenant' },
      { n: 3, kind: 'refused', why: 'service_account' },
      { n: 4, kind: 'refused', why: 'inactive_person' },
      ok(5, []),
    ]);
  });

  test('names are compared as decisions are: cleaned; what is no envelope is nobody', async () => {
    const bodies = [said('the\u0000o'), { kind: 'approve' }];
    expect(await fates(input(bodies.map((body, i) => control(i, body))), { keys: null })).toEqual([
      'other_tenant',
      'unknown_person',
    ]);
  });
});
