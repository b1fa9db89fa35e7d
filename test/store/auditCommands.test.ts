import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { asCommandError } from '../../src/commands/failures.ts';
import { createProgram } from '../../src/commands/program.ts';
import { openSession } from '../../src/commands/session.ts';
import type { Target } from '../../src/commands/target.ts';
import { createTerminal } from '../../src/commands/terminal.ts';
import { writeAnchor } from '../../src/store/anchors.ts';
import { readApprovalStatistics } from '../../src/store/approvalStats.ts';
import { append, appliedEffect, insertApproval } from './auditRows.ts';
import { openDatabase, type TestDatabase } from './database.ts';

const RUN = 'r00000000000000000001';
const DAY_MS = 86_400_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  await insertRun(RUN, 'w1');
  await appliedEffect(database.sql, RUN);
  await append(database.sql, RUN, 'run_ended', { outcome: 'completed', reason: 'red\u001b[31m' }, '');
  await append(database.sql, 'agent:support', 'channel_moved', { from: null, to: 'abc', by: 'anna' }, 'live');
});
afterAll(() => database[Symbol.asyncDispose]());

async function insertRun(run: string, workflowId: string, agent = 'support'): Promise<void> {
  await database.sql`
    insert into runs (run, workflow_id, agent, requester, state, outcome, ended_at)
    values (${run}, ${workflowId}, ${agent}, 'customer', 'ended', 'completed', now())`;
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly error: string | null;
}

/** A command in this process, on the database of this file. */
async function holdfast(line: string): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof said) => ({
    write: (text: string) => {
      said[name] += text;
    },
  });
  const words = line.split(' ');
  const terminal = createTerminal({
    json: words.includes('--json'),
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    environment: {},
  });
  const target: Target = {
    databaseUrl: async () => database.url,
    temporal: async () => null,
    taskQueue: 'unused',
    codecModule: null,
    decisionKey: null,
  };
  let code = 0;
  const program = createProgram(
    async (work) => {
      code =
        (await work(
          openSession(() => target, terminal),
          { json: terminal.json },
        )) ?? 0;
    },
    { version: '0', write: () => undefined },
  );
  try {
    await program.parseAsync(words, { from: 'user' });
    return { ...said, code, error: null };
  } catch (error) {
    return { ...said, code, error: asCommandError(error)?.code ?? null };
  }
}

describe('holdfast audit', () => {
  test('before the first anchor there is none to keep', async () => {
    expect((await holdfast('audit anchor')).error).toBe('no_anchor');
  });

  test('verify says that a whole audit is whole, also by the anchor that was kept', async () => {
    await writeAnchor(database.sql, 0);
    const kept = (await holdfast('audit anchor')).stdout.trim();
    expect(kept).toMatch(/^1:[0-9a-f]{64}$/);
    const verified = await holdfast(`audit verify --anchor ${kept}`);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toContain('the audit is whole');
    expect(verified.stdout).toContain('6 in 2 chains');
    const json = JSON.parse((await holdfast('audit verify w1 --json')).stdout) as object;
    expect(json).toMatchObject({ whole: true, broken: null, rows: 5, chains: 1, anchors: 1, faultCount: 0 });
  });

  test('an anchor that the store never had is a broken audit', async () => {
    const verified = await holdfast(`audit verify --json --anchor 7:${'a'.repeat(64)}`);
    expect(verified.code).toBe(7);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      whole: false,
      broken: { kind: 'missing_anchor', anchor: 7 },
    });
  });

  test('rows that no anchor has seen for long are pointed out', async () => {
    const { sql } = database;
    const text = ['rold', 1, 1, 'old', 'k', '{}'].join('\n');
    await sql`insert into audit (run, seq, at_us, event, key, facts, hash)
      values ('rold', 1, 1, 'old', 'k', '{}', encode(sha256(convert_to(${text}, 'UTF8')), 'hex'))`;
    expect(await holdfast('audit verify')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('1 rows, the oldest of 1970-01-01 00:00:00 UTC, are in no anchor yet'),
    });
    await sql`delete from audit where run = 'rold'`;
  });

  test('show tells the story of a run, by any of its names, and nothing in it steers the terminal', async () => {
    for (const id of [RUN, 'w1', `${RUN}/1/0/1`]) {
      const { code, stdout } = await holdfast(`audit show ${id}`);
      expect(code).toBe(0);
      const lines = stdout.trim().split('\n');
      expect(lines).toHaveLength(5);
      expect(lines[1]).toMatch(
        /^2 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}anna \(cli\) said yes to “refund 5 USD” \(request 1\/0\/1\)$/,
      );
      expect(lines[2]).toContain('refund (1/0) begins, attempt 1');
      expect(stdout).not.toContain('\u001b');
    }
    expect((await holdfast('audit show agent:support')).stdout).toContain(
      'anna moved the channel live from nothing to abc',
    );
  });

  test('show with --json gives the rows as they are', async () => {
    const { rows } = JSON.parse((await holdfast(`audit show ${RUN} --json`)).stdout) as { rows: object[] };
    expect(rows).toEqual(
      await database.sql`
      select seq, at_us, event, key, facts, hash from audit where run = ${RUN} order by seq`,
    );
  });

  test('a chain that nobody knows is not found', async () => {
    expect((await holdfast('audit show nobody')).error).toBe('not_found');
    expect((await holdfast('audit verify nobody')).error).toBe('not_found');
  });

  test('tampering is named, in words and for programs, with an exit code of its own', async () => {
    await database.sql`update audit set facts = '{}' where run = ${RUN} and seq = 2`;
    const verified = await holdfast('audit verify');
    expect(verified.code).toBe(7);
    expect(verified.stdout).toContain(`the audit is broken: ${RUN}: row 2 does not follow from row 1`);
    expect(JSON.parse((await holdfast(`audit verify ${RUN} --json`)).stdout)).toMatchObject({
      whole: false,
      broken: { kind: 'edited_row', run: RUN, seq: 2 },
    });
    const shown = await holdfast('audit show w1');
    expect(shown.code).toBe(7);
    expect(shown.stderr).toContain('row 2 was tampered with');
    await database.sql`delete from audit where run = ${RUN}`;
    const gone = await holdfast('audit verify w1');
    expect(gone.stdout).toContain('the whole chain is missing: anchor 1 has seen its row 5');
  });
});

describe('holdfast approvals stats', () => {
  test('counts what the rows of the window say, for one agent or all', async () => {
    const { sql } = database;
    const other = 'r00000000000000000002';
    await insertRun(other, 'w2', 'travel');
    const openedAt = new Date(Date.now() - DAY_MS);
    const decided = (ms: number) => new Date(openedAt.getTime() + ms);
    const insert = (request: number, more: Parameters<typeof insertApproval>[3]) =>
      insertApproval(sql, other, `${other}/${request}/0/1`, { tool: 'book', openedAt, ...more });
    await insert(1, {
      state: 'rejected',
      decidedAt: decided(1_500),
      decision: { by: 'bert' },
      argsHash: 'same',
    });
    await insert(2, {
      state: 'approved',
      openedAt: decided(10_000),
      decidedAt: decided(14_000),
      decision: { by: 'anna' },
      argsHash: 'same',
    });
    await insert(3, { state: 'expired', decidedAt: decided(9_000), decision: { by: 'holdfast' } });
    await insert(4, { state: 'approved', kind: 'landing', decidedAt: decided(1), decision: { by: 'anna' } });
    await insert(5, { state: 'open', openedAt: new Date(openedAt.getTime() - 40 * DAY_MS) });
    const travel = await readApprovalStatistics(sql, { agent: 'travel', days: 30 });
    expect(travel).toMatchObject({
      requests: 3,
      truncated: false,
      tools: [
        { tool: 'book', asked: 3, approved: 1, rejected: 1, expired: 1, overridden: 1, medianMs: 2_750 },
      ],
      approvers: [
        { by: 'anna', approved: 1, overridden: 0, medianMs: 4_000 },
        { by: 'bert', rejected: 1, overridden: 1, hastyShare: 1 },
      ],
    });
    expect(await readApprovalStatistics(sql, { agent: null, days: 365 })).toMatchObject({ requests: 5 });
    const { stdout } = await holdfast('approvals stats --agent travel');
    expect(stdout).toMatch(/asked\s+yes\s+no .*\n3\s+1\s+1\s+0\s+1\s+0\s+0\s+2\.8 s\s+50 %\s+1\s+book/);
    expect(JSON.parse((await holdfast('approvals stats --agent travel --json')).stdout)).toMatchObject({
      agent: 'travel',
      days: 30,
      ...travel,
    });
    expect((await holdfast('approvals stats --agent nobody')).stdout).toContain('nobody was asked');
    expect((await holdfast('approvals --limit 1 --json')).stdout).toContain('"approvals"');
  });
});
