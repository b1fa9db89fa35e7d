import { beforeAll, describe, expect, inject, test } from 'vitest';
import { copyShop } from '../../src/agents/support/copies.ts';
import { DEFAULT_SHOP, setUpShop } from '../../src/agents/support/schema.ts';
import { Shop } from '../../src/agents/support/shop.ts';
import { databaseOf } from '../../src/store/database.ts';
import { liftSwitch, setSwitch } from '../../src/store/switches.ts';
import { insertRun, newInput, ofTenant } from '../store/claimInputs.ts';
import { openDatabase } from '../store/database.ts';
import { CELLS, type Cell, ENDS, FAULTS, type Seen } from './cells.ts';
import { ANYBODY, broken, type Terms } from './checker.ts';
import type { DecisionNote } from './decisionNote.ts';
import { type Facts, readFacts } from './facts.ts';
import { cellProblems, playMatrix } from './matrix.ts';
import { openOrderBook } from './orderBook.ts';
import type { Ended } from './play.ts';
import { accountOf } from './table.ts';

const ALL_MS = 360_000;

describe('an effect is done once, once with its key, checked or asked about, wherever it is disturbed', () => {
  let ends: ReadonlyMap<Cell, Ended> = new Map();
  beforeAll(async () => {
    ends = await playMatrix({
      databaseUrl: inject('databaseUrl'),
      temporalAddress: inject('temporalAddress'),
    });
  }, ALL_MS);

  describe.each(FAULTS)('%s', (fault) => {
    test.each(CELLS.filter((cell) => cell.fault === fault))('at $point, $kind: $end', (cell) => {
      const ended = ends.get(cell);
      if (ended === undefined) throw new Error('it was not played');
      expect(cellProblems(cell, ended)).toEqual([]);
    });
  });
});

describe('the matrix', () => {
  test('has a cell for every kind at every point, but inside the tool of the shop', () => {
    const inside = CELLS.filter((cell) => cell.point.startsWith('tool:'));
    expect([CELLS.length, inside.length]).toEqual([228, 60]);
  });

  test('lets something happen twice only where a label lies or nobody can fence', () => {
    const twice = CELLS.filter((cell) => ENDS[cell.end].acts > 1);
    const excused = twice.filter((cell) => cell.kind === 'mislabelled' || cell.end.startsWith('beyond'));
    expect(twice).toEqual(excused);
    const beyond = excused.filter((cell) => cell.kind !== 'mislabelled');
    expect(new Set(beyond.map(({ fault, point }) => `${fault} at ${point}`))).toEqual(
      new Set(['stall at tool:before-send']),
    );
  });

  test('never expects "not done" about something that happened', () => {
    for (const [name, end] of Object.entries<Seen>(ENDS))
      expect(end.acts > 0 && end.told === 'not done', name).toBe(false);
  });
});

test('a claim that passed a switch is found in the audit, and no other is', async () => {
  await using database = await openDatabase(inject('databaseUrl'));
  const { sql } = database;
  const input = newInput({ requester: ofTenant('acme') });
  await insertRun(sql, input);
  const claim = () => sql`select audit_append(${input.run}, 'effect_claimed', ${input.key}, '{}'::jsonb)`;
  const change = { name: 'tenant:acme', by: 'boss', reason: 'a test' };
  const found = async () => (await readFacts(sql, input.run, () => 0)).claimedWhileStopped;
  await claim();
  await setSwitch(sql, { ...change, name: 'tenant:other' });
  await setSwitch(sql, change);
  expect(await found()).toBe(0);
  await claim();
  await liftSwitch(sql, change);
  await claim();
  expect(await found()).toBe(1);
});

test('an order that is written twice is found, though the shop remembers one key', async () => {
  await using database = await openDatabase(inject('databaseUrl'));
  const { sql } = database;
  const outside = { database: databaseOf(sql) };
  const [cell] = CELLS.filter(({ kind, end }) => kind === 'shop' && end === 'once, later');
  if (cell === undefined) throw new Error('the matrix has no such cell');
  await setUpShop(outside);
  await copyShop(outside.database, DEFAULT_SHOP, cell.name);
  await openOrderBook(sql);
  const write = () =>
    new Shop(outside.database, cell.name).changeOrder(
      '#W7000101',
      { idempotencyKey: 'r/1/0', signal: new AbortController().signal },
      ({ order, owner }) => ({ kind: 'changed', order, owner }),
    );
  const payments = { of: () => ({ requests: 0, acts: 0, checks: 0 }) };
  const acts = async () => (await accountOf({ lab: { sql }, payments }, cell, 'r/1/0')).acts;
  expect(await acts()).toBe(0);
  await write();
  await write();
  expect(await acts()).toBe(1);
  // A write that does not look for its key, or looks too late.
  await sql`delete from shop.applied`;
  await write();
  const [remembered] = await sql`select count(*)::int as n from shop.applied`;
  expect([remembered, await acts()]).toEqual([{ n: 1 }, 2]);
});

describe('the checker catches', () => {
  const key = 'r/1/0';
  const effect = { key, tool: 'pay', state: 'applied', fence: 1, approval: 'r/1/0/1', args_hash: 'h' };
  const approval = {
    id: 'r/1/0/1',
    key,
    kind: 'call',
    state: 'approved',
    args_hash: 'h',
    requester: 'customer',
    openedAtMs: 1_000,
    deadlineMs: 5_000,
    decidedAtMs: 2_010,
    decided_by: 'boss',
    decided: 'approve',
    voters: ['boss'],
    evidenced: false,
    answer: null,
  };
  const yes: DecisionNote = { approval: 'r/1/0/1', by: 'boss', kind: 'approve', argsHash: 'h', atMs: 2_000 };
  const terms: Terms = {
    actsMax: 1,
    asks: () => ({ people: ['boss', 'deputy'], quorum: 1 }),
    decisions: [yes],
    reads: () => false,
    heard: ['pay'],
    limitMicroUsd: 100,
  };
  const emptied = { ...approval, decidedAtMs: null, decided_by: null, decided: null, voters: [] };
  const question = { ...approval, id: 'r/1/0/2', kind: 'reconcile', state: 'open', evidenced: true };
  const good: Facts = {
    run: { state: 'ended', outcome: 'completed' },
    effects: [effect],
    approvals: [approval],
    answers: [],
    resolutions: [],
    calls: ['a'],
    results: [{ call: 'a', text: 'paid', key, tool: 'pay' }],
    said: ['pay'],
    spent: { microUsd: 90, largestMicroUsd: 20 },
    evidence: [],
    acts: { [key]: 1 },
    brokenAuditRow: null,
    incidents: [],
    held: 0,
    claimedWhileStopped: 0,
  };
  const waiting: Facts = {
    ...good,
    run: { state: 'unknown', outcome: null },
    effects: [{ ...effect, state: 'unknown' }],
    approvals: [approval, question],
    calls: [],
    results: [],
  };
  const answered = (answer: string): Pick<Facts, 'approvals' | 'answers'> => ({
    approvals: [approval, { ...question, state: 'answered', decided: 'answer', answer }],
    answers: [{ approval: question.id, by: 'boss', answer }],
  });
  const HAPPENED = '{"outcome":"happened","result":"paid"}';
  const resolved: Facts = {
    ...good,
    ...answered(HAPPENED),
    resolutions: [{ key, said: 'applied', by: 'boss' }],
  };
  const unknown = { ...effect, state: 'unknown' };
  const says = (text: string) => ({ results: [{ call: 'a', text, key, tool: 'pay' }] });

  test('nothing where all is well', () => {
    expect(broken(good, terms)).toEqual([]);
    expect(broken(waiting, terms)).toEqual([]);
    expect(broken(resolved, terms)).toEqual([]);
    const ran = { ...resolved, resolutions: [], ...answered('{"outcome":"did_not"}') };
    expect(broken(ran, terms)).toEqual([]);
  });

  test('what differs from the end of a cell', () => {
    const [cell] = CELLS.filter(({ name }) => name === 'kill at effect:before-claim, keyed');
    if (cell === undefined) throw new Error('the matrix has lost its first cell');
    const facts = { ...good, said: [cell.name] };
    const ended: Ended = { facts, decisions: [yes], seen: ENDS[cell.end], backMs: null };
    expect(cellProblems(cell, ended)).toEqual([]);
    const twice = { ...ended, seen: { ...ended.seen, acts: 2, told: 'not known' as const } };
    expect(cellProblems(cell, twice)).toEqual([
      'acts is 2, and 1 in "once"',
      'told is "not known", and "done" in "once"',
    ]);
    const cancelled = { ...facts, run: { state: 'ended', outcome: 'cancelled' }, acts: { [key]: 2 } };
    expect(cellProblems(cell, { ...ended, facts: cancelled })).toEqual([
      expect.stringContaining('V1: the outside acted 2 times'),
      'the run ended as cancelled, not as completed',
    ]);
  });

  test.each<[string, Partial<Facts>, string]>([
    ['two acts of one key', { acts: { [key]: 2 } }, 'V1: the outside acted 2 times'],
    ['two effects of one key', { effects: [effect, effect] }, 'V1: two effects'],
    ['a void about a done act', { effects: [{ ...effect, state: 'void' }] }, 'is void and was done'],
    ['a refusal about a done act', { effects: [{ ...effect, state: 'refused' }] }, 'is refused and was done'],
    ['an act that nobody did', { acts: { [key]: 0 } }, 'is applied and was not done'],
    ['an effect left open', { effects: [{ ...effect, state: 'claimed' }] }, 'nobody asked what became'],
    ['"not done" in words', says('Not done: the attempt failed and was closed.'), 'about what was done'],
    ['"not run" in words', says('Not run: this action is switched off.'), 'about what was done'],
    ['an error in words', says('Error: could not connect'), 'about what was done'],
    ['"done" in words', { acts: { [key]: 0 } }, 'told "paid" about what was not done'],
    ['no approval', { effects: [{ ...effect, approval: null }] }, 'V2'],
    ['an open approval', { approvals: [{ ...approval, state: 'open' }] }, 'V2'],
    ['an approval of something else', { approvals: [{ ...approval, args_hash: 'other' }] }, 'V2'],
    ['an approval of another call', { approvals: [{ ...approval, key: 'r/1/1' }] }, 'V2'],
    ["the requester's own approval", { approvals: [{ ...approval, decided_by: 'customer' }] }, 'V2'],
    ['an approval of nobody', { approvals: [{ ...approval, decided_by: null }] }, 'V2'],
    ['an approval without a word', { approvals: [{ ...approval, decided: null }] }, 'V2'],
    ['an approval without a time', { approvals: [{ ...approval, decidedAtMs: null }] }, 'V2'],
    ['a late approval', { approvals: [{ ...approval, decidedAtMs: 5_000 }] }, 'V2'],
    [
      'a row that is approved and says nothing more',
      { approvals: [emptied] },
      'without a yes, a name or a time',
    ],
    [
      'an approval by somebody who had not said so',
      { approvals: [{ ...approval, decided_by: 'deputy', voters: ['deputy'] }] },
      'may have not said yes',
    ],
    ['a yes that was not counted', { approvals: [{ ...approval, voters: [] }] }, 'may have not said yes'],
    ['a call without a result', { results: [] }, 'V3: call a has 0'],
    ['a call with two', { results: [...good.results, ...good.results] }, 'V3: call a has 2'],
    ['a result without a call', { calls: [] }, 'V3: a result without'],
    ['a run that waits for nothing', { run: { state: 'unknown', outcome: null } }, 'V5'],
    ['an end with a question open', { approvals: [approval, question] }, 'V5'],
    ['a claim while a switch was set', { claimedWhileStopped: 1 }, 'V1: something was claimed'],
    ['an audit row changed by hand', { brokenAuditRow: 3 }, 'V8'],
  ])('%s', (_, fault, problem) => {
    expect(broken({ ...good, ...fault }, terms).join('\n')).toContain(problem);
  });

  // The row says what it says in `good`: only people's own notes tell that it is wrong.
  test.each<[string, Partial<Terms>, string]>([
    ['a rejection that was executed', { decisions: [{ ...yes, kind: 'reject' }] }, 'V2'],
    ["a stranger's yes", { asks: () => ({ people: ['deputy'], quorum: 1 }) }, 'V2'],
    ['a yes that nobody gave', { decisions: [] }, 'V2'],
    ['a yes to another request', { decisions: [{ ...yes, approval: 'r/1/0/9' }] }, 'V2'],
    ['a yes to other arguments', { decisions: [{ ...yes, argsHash: 'other' }] }, 'V2'],
    ['a yes after the deadline', { decisions: [{ ...yes, atMs: 5_000 }] }, 'V2'],
    ['one yes where two are needed', { asks: () => ({ ...ANYBODY, quorum: 2 }) }, 'V2'],
    [
      'two yeses of one person where two people are needed',
      { asks: () => ({ ...ANYBODY, quorum: 2 }), decisions: [yes, { ...yes, atMs: 2_001 }] },
      'V2',
    ],
    ['a purse that is empty', { limitMicroUsd: 60 }, 'V4: it spent 90 micro-dollars of 60'],
    [
      'a message that was acknowledged, and is gone',
      { heard: ['pay', 'and again'] },
      'V9: "and again" was acknowledged',
    ],
  ])('%s', (_, fault, problem) => {
    expect(broken(good, { ...terms, ...fault }).join('\n')).toContain(problem);
  });

  test.each<[string, Partial<Facts>, string]>([
    ['an answer that is not in the audit', { answers: [] }, 'is not on record with who said it'],
    [
      'an answer that is there without its words',
      { answers: [{ approval: question.id, by: 'boss', answer: '{}' }] },
      'not on record',
    ],
    [
      'an answer of somebody else',
      { answers: [{ approval: question.id, by: 'ben', answer: HAPPENED }] },
      'not on record',
    ],
    ['a word that nobody gave', { approvals: [approval], answers: [] }, 'was resolved as applied and nobody'],
    ['another word than was given', { resolutions: [{ key, said: 'void', by: 'boss' }] }, 'resolved as void'],
    ['a word in a wrong name', { resolutions: [{ key, said: 'applied', by: 'ben' }] }, 'resolved as applied'],
    ['a word that never reached the ledger', { effects: [unknown] }, 'and the ledger does not know it'],
  ])('%s', (_, fault, problem) => {
    expect(broken({ ...resolved, ...fault }, terms).join('\n')).toContain(problem);
  });

  test.each<[string, Partial<typeof question>, string]>([
    ['a question without a deadline', { deadlineMs: 1_000 }, 'V5: the run is unknown'],
    ['a question without evidence', { evidenced: false }, 'V5: a person is asked'],
  ])('%s', (_, fault, problem) => {
    const facts = { ...waiting, approvals: [approval, { ...question, ...fault }] };
    expect(broken(facts, terms).join('\n')).toContain(problem);
  });
});
