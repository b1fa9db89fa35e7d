import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../store/database.ts';
import { readPayBooks } from './payBooks.ts';

// "None is paid twice" of R18 and R19: two runs with three answers, one of them at the second try.

const REQUESTS = 4;
let database: TestDatabase;

const plant = (statement: string) => database.sql.unsafe(statement, []);
const attempt = (run: string, step: number, state: string, cost: number, failure: string | null = null) =>
  plant(`insert into model_attempts (run, step, purpose, state, model, reserved_micro_usd, cost_micro_usd, failure, expires_at)
    values ('${run}', ${step}, 'act', '${state}', 'm', 50, ${cost}, ${failure === null ? 'null' : `'${failure}'`}, now())`);
const answer = (run: string, step: number) =>
  plant(
    `insert into answers (run, step, purpose, attempt, result) values ('${run}', ${step}, 'act', 0, '{}')`,
  );

beforeEach(async () => {
  database = await openDatabase(inject('databaseUrl'));
  for (const [run, cost] of [['a', 30] as const, ['b', 10] as const])
    await plant(`insert into runs (run, workflow_id, agent, requester, state, cost_micro_usd)
      values ('${run}', 'wf-${run}', 'lab', 'mara', 'ended', ${cost})`);
  await attempt('a', 1, 'settled', 10);
  await attempt('a', 2, 'settled', 20);
  await attempt('b', 1, 'released', 0, 'model_overloaded');
  await attempt('b', 1, 'settled', 10);
  for (const [run, step] of [['a', 1] as const, ['a', 2] as const, ['b', 1] as const])
    await answer(run, step);
});
afterEach(() => database[Symbol.asyncDispose]());

test('books in order have no problem', async () => {
  expect(await readPayBooks(database.sql, REQUESTS)).toEqual({
    attempts: 4,
    answers: 3,
    failed: 1,
    bookedUnknown: 0,
    problems: [],
  });
});

describe('the judge of what the model was paid finds', () => {
  test.each<[string, () => Promise<unknown>, string]>([
    [
      'an answer that was paid twice',
      () => attempt('a', 1, 'settled', 0),
      'a, step 1 (act): 2 attempts were paid for 1 answers',
    ],
    [
      'an answer that nobody paid for',
      () => answer('b', 2),
      'b, step 2 (act): 0 attempts were paid for 1 answers',
    ],
    [
      'a payment without an answer',
      () => plant("delete from answers where run = 'b'"),
      'b, step 1 (act): 1 attempts were paid for 0 answers',
    ],
    [
      'a reservation that was never settled',
      () => attempt('a', 3, 'open', 0),
      '1 reservations were never settled',
    ],
    [
      'a request that is on no book',
      () => plant("delete from model_attempts where state = 'released'"),
      '4 requests were made and 3 attempts are on the books',
    ],
    [
      'a run that says it cost less',
      () => plant("update runs set cost_micro_usd = 5 where run = 'b'"),
      'attempts cost 40 micro-dollars, and runs say 35',
    ],
  ])('%s', async (_, fault, problem) => {
    await fault();
    expect((await readPayBooks(database.sql, REQUESTS)).problems.join('\n')).toContain(problem);
  });
});
