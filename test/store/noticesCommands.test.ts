import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { asCommandError, type CommandError } from '../../src/commands/failures.ts';
import { createProgram } from '../../src/commands/program.ts';
import { openSession } from '../../src/commands/session.ts';
import type { Target } from '../../src/commands/target.ts';
import { createTerminal } from '../../src/commands/terminal.ts';
import { registerNotifiers } from '../../src/store/notices.ts';
import { openDatabase, type TestDatabase } from './database.ts';
import { handOverOne, openOne } from './noticeParts.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
});
afterAll(() => database[Symbol.asyncDispose]());

/** Runs a command against the store alone: there is no Temporal to be reached. */
async function holdfast(...words: readonly string[]): Promise<string | CommandError> {
  let written = '';
  const stream = {
    write: (text: string) => {
      written += text;
    },
  };
  const target: Target = {
    databaseUrl: async () => database.url,
    temporal: () => Promise.reject(new Error('Temporal is not needed')),
    taskQueue: 'none',
    codecModule: null,
  };
  const json = words.includes('--json');
  const terminal = createTerminal({ json, stdout: stream, stderr: stream, environment: { NO_COLOR: '1' } });
  const program = createProgram(
    async (work) => {
      await work(
        openSession(() => target, terminal),
        { json },
      );
    },
    { version: '0', write: () => undefined },
  );
  try {
    await program.parseAsync([...words], { from: 'user' });
    return written;
  } catch (error) {
    const known = asCommandError(error);
    if (known === null) throw error;
    return known;
  }
}

describe('the command line, with no worker and no Temporal', () => {
  test('lists hand-overs, takes one for the first who asks, and tells the second who has it', async () => {
    const run = await handOverOne(database.sql);
    expect(await holdfast('handovers')).toContain(`holdfast accept ${run} --by NAME`);
    expect(await holdfast('show', run)).toContain(`by nobody yet: holdfast accept ${run} --by NAME`);
    expect(await holdfast('accept', `wf-${run}`, '--by', 'anna')).toContain(`accepted wf-${run} by anna`);
    expect(await holdfast('accept', run, '--by', 'bert')).toMatchObject({
      exit: 'refused',
      code: 'already_accepted',
      message: expect.stringMatching(/was accepted by anna at \d{4}-.* UTC: speak to them/),
    });
    // Whoever asks again, not knowing that it was theirs, hears that it is.
    expect(JSON.parse(String(await holdfast('--json', 'accept', run, '--by', 'anna')))).toMatchObject({
      run,
      acceptedBy: 'anna',
    });
    expect(await holdfast('handovers')).toContain('nothing was handed over that nobody has accepted');
    expect(await holdfast('handovers', '--all')).toContain('by anna at');
    expect(await holdfast('show', run)).toMatch(/accepted +by anna at \d{4}-/);
  });

  test('says what is wrong with what cannot be accepted', async () => {
    const { run } = await openOne(database.sql);
    expect(await holdfast('accept', run, '--by', 'anna')).toMatchObject({ code: 'not_handed_over' });
    expect(await holdfast('accept', 'nobody', '--by', 'anna')).toMatchObject({ exit: 'notFound' });
    expect(await holdfast('accept', run, '--by', ' ')).toMatchObject({ exit: 'usage' });
    expect(await holdfast('accept', run, '--by', 'x'.repeat(201))).toMatchObject({ exit: 'usage' });
  });

  test('lists notices that have not arrived', async () => {
    expect(await holdfast('notices')).toBe('every notice has arrived\n');
    await registerNotifiers(database.sql, ['webhook']);
    const { run } = await openOne(database.sql);
    expect(await holdfast('notices')).toMatch(
      new RegExp(`approval\\.opened +webhook +again \\d{4}-.* +0 +${run}`),
    );
  });

  test('shows an approval as it was stored, with the quotation marked', async () => {
    const { id } = await openOne(database.sql);
    const text = await holdfast('approvals');
    expect(text).toContain(id);
    expect(text).toContain(`"SECRET-QUOTE" (the model's own words, checked by nobody)`);
    expect(text).toContain('anna, role manager');
  });
});
