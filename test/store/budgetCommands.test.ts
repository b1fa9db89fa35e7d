import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import type { Sql } from '../../src/store/connection.ts';
import { holdfast } from './commandLine.ts';
import { openDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  sql = database.sql;
});
afterAll(() => database[Symbol.asyncDispose]());

const BY = ['--by', 'anna', '--reason', 'a test'];

async function chainOf(name: string) {
  const audit = await readAudit(sql, name);
  expect(firstBrokenRow(name, audit)).toBeNull();
  return audit.map((row) => [row.event, row.key, JSON.parse(row.facts)]);
}

describe('holdfast budgets', () => {
  test('sets, lists, changes and clears caps, and every change is in a chain of its own', async () => {
    expect((await holdfast(sql, ['budgets'])).out).toContain('no caps');
    const set = await holdfast(sql, [
      'budgets',
      'set',
      'user',
      '--usd',
      '2.50',
      '--at-cap',
      'degrade',
      ...BY,
    ]);
    expect(set.out).toContain('set user: $2.5000 a day, then degrade');
    await holdfast(sql, ['budgets', 'set', 'user:acme/ben', '--usd', '9', '--at-cap', 'ask', ...BY]);
    await holdfast(sql, ['budgets', 'set', 'user:acme/ben', '--usd', '5', '--at-cap', 'land', ...BY]);
    const shown = (await holdfast(sql, ['budgets'])).out;
    expect(shown).toMatch(/user +a day +\$2\.5000 +degrade to small, then land/);
    expect(shown).toMatch(/user:acme\/ben +a day +\$5\.0000 +land/);
    expect((await holdfast(sql, ['budgets', 'clear', 'user', ...BY])).out).toContain('cleared user');
    expect(JSON.parse((await holdfast(sql, ['budgets', '--json'])).out)).toMatchObject({
      budgets: [
        { kind: 'user', subject: 'acme/ben', capMicroUsd: 5_000_000, atCap: 'land', degradeTo: null },
      ],
    });
    const facts = { by: 'anna', reason: 'a test' };
    expect(await chainOf('budgets')).toEqual([
      ['budget_set', 'user:*', { ...facts, capMicroUsd: 2_500_000, atCap: 'degrade', degradeTo: 'small' }],
      ['budget_set', 'user:acme/ben', { ...facts, capMicroUsd: 9_000_000, atCap: 'ask', degradeTo: null }],
      ['budget_set', 'user:acme/ben', { ...facts, capMicroUsd: 5_000_000, atCap: 'land', degradeTo: null }],
      ['budget_cleared', 'user:*', facts],
    ]);
  });

  test.each([
    [['set', 'everybody', '--usd', '1', '--at-cap', 'land', ...BY], 'usage', 'none of run, user'],
    [['set', 'fleet:x', '--usd', '1', '--at-cap', 'land', ...BY], 'usage', 'none of run, user'],
    [['set', 'user', '--usd', '1', '--at-cap', 'stop', ...BY], 'usage', 'none of degrade, ask'],
    [['set', 'user', '--usd', '-1', '--at-cap', 'land', ...BY], 'usage', 'not an amount'],
    [['set', 'run', '--usd', '1', '--at-cap', 'wait', ...BY], 'usage', 'never opens again'],
    [['set', 'user', '--usd', '1', '--at-cap', 'land', '--degrade-to', 'small', ...BY], 'usage', 'goes with'],
    [['clear', 'agent:nobody', ...BY], 'notFound', 'there is no cap agent:nobody'],
  ])('%j is refused in words', async (words, exit, message) => {
    const said = await holdfast(sql, ['budgets', ...words]);
    expect(said.exit).toBe(exit);
    expect(said.message).toContain(message);
  });
});

describe('holdfast rates', () => {
  test('sets, lists and clears limits, and every change is in a chain of its own', async () => {
    expect((await holdfast(sql, ['rates'])).out).toContain('no limits');
    await holdfast(sql, ['rates', 'set', 'starts:user', '--per-minute', '3', '--per-day', '50', ...BY]);
    await holdfast(sql, ['rates', 'set', 'tool:refund', '--per-run', '2', ...BY]);
    expect((await holdfast(sql, ['rates'])).out).toMatch(/starts:user +3 +50/);
    await holdfast(sql, ['rates', 'clear', 'starts:user', ...BY]);
    expect(JSON.parse((await holdfast(sql, ['rates', '--json'])).out)).toMatchObject({
      rates: [{ name: 'tool:refund', perRun: 2, setBy: 'anna' }],
    });
    expect((await chainOf('rates')).map(([event, key]) => [event, key])).toEqual([
      ['rate_set', 'starts:user'],
      ['rate_set', 'tool:refund'],
      ['rate_cleared', 'starts:user'],
    ]);
  });

  test.each([
    [['set', 'starts', '--per-day', '1', ...BY], 'usage', 'none of starts:user'],
    [['set', 'starts:user', ...BY], 'usage', 'at least one of'],
    [['set', 'starts:user', '--per-run', '1', ...BY], 'usage', 'is for tools'],
    [['clear', 'tool:nothing', ...BY], 'notFound', 'there is no limit tool:nothing'],
  ])('%j is refused in words', async (words, exit, message) => {
    const said = await holdfast(sql, ['rates', ...words]);
    expect(said.exit).toBe(exit);
    expect(said.message).toContain(message);
  });
});
