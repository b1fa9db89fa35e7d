import { describe, expect, test } from 'vitest';
import { CommandError } from '../../../src/commands/failures.ts';
import { indented, table } from '../../../src/commands/table.ts';
import { createTerminal, wantsColor } from '../../../src/commands/terminal.ts';
import { printable } from '../../../src/core/text.ts';

function open(options: {
  readonly json: boolean;
  readonly environment?: Record<string, string>;
  readonly isTTY?: boolean;
}) {
  const said = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    isTTY: options.isTTY ?? true,
    write: (text: string) => {
      said[name] += text;
    },
  });
  const terminal = createTerminal({
    json: options.json,
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    environment: options.environment ?? {},
  });
  return { terminal, said };
}

describe('what is shown', () => {
  test('text of others cannot steer the terminal, hide itself or run backwards', () => {
    const evil = {
      'a\u001b': ['\u001b[8mhidden\u001b[0m\r', 'gpj.\u202etxt', 'bell\u0007 \u009b2J'],
      n: 1,
      no: null,
    };
    const shown = printable(evil);
    expect(JSON.stringify(shown)).not.toMatch(/\\u001b|\\u0007|\\r/);
    expect(shown).toEqual({
      'a\ufffd': ['\ufffd[8mhidden\ufffd[0m\ufffd', 'gpj.\ufffdtxt', 'bell\ufffd \ufffd2J'],
      n: 1,
      no: null,
    });
    expect(printable('two\nlines\tand 👩\u200d🚀')).toBe('two\nlines\tand 👩\u200d🚀');
  });

  test('with --json stdout is the value as it is, and nothing else; notes go to stderr', () => {
    const { terminal, said } = open({ json: true });
    terminal.note('by the way');
    terminal.show({ text: 'a\u001b[31m' }, () => 'for people');
    expect(JSON.parse(said.stdout)).toEqual({ text: 'a\u001b[31m' });
    expect(said.stderr).toContain('by the way');
  });

  test('several answers are a line each, and a failure after them is one too', () => {
    const { terminal, said } = open({ json: true });
    terminal.say({ n: [1, 2] }, () => 'for people');
    terminal.say({ n: 3 }, () => 'for people');
    terminal.fail(new CommandError('notFound', 'not_found', 'none'));
    const lines = said.stdout.split('\n').map((line) => (line === '' ? null : JSON.parse(line)));
    expect(lines).toMatchObject([{ n: [1, 2] }, { n: 3 }, { error: { code: 'not_found' } }, null]);
    const people = open({ json: false, environment: { NO_COLOR: '1' } });
    people.terminal.say({ text: 'a\u001b' }, ({ text }) => text);
    expect(people.said.stdout).toBe('a\ufffd\n');
  });

  test('without it people get words, cleaned before they are painted', () => {
    const { terminal, said } = open({ json: false, environment: { FORCE_COLOR: '1' } });
    terminal.show({ text: '\u001b[31m' }, ({ text }, paint) => paint.red(text));
    expect(said.stdout).toBe('\u001b[31m\ufffd[31m\u001b[39m\n');
  });

  test('progress replaces itself on a terminal, and is nowhere else', () => {
    const { terminal, said } = open({ json: true, environment: { NO_COLOR: '1' } });
    terminal.progress('5 rows');
    terminal.progress('');
    expect(said).toEqual({ stdout: '', stderr: '\r5 rows\u001b[K\r\u001b[K' });
    const piped = open({ json: false, isTTY: false });
    piped.terminal.progress('5 rows');
    expect(piped.said).toEqual({ stdout: '', stderr: '' });
  });

  test('a failure is told to people on stderr, and to programs as their one value', () => {
    const people = open({ json: false, environment: { NO_COLOR: '1' } });
    people.terminal.fail(new CommandError('notFound', 'not_found', 'there is no \u001bsuch run'));
    expect(people.said).toEqual({ stdout: '', stderr: 'error: there is no \ufffdsuch run\n' });
    const programs = open({ json: true });
    programs.terminal.fail(new CommandError('notFound', 'not_found', 'there is no such run'));
    expect(JSON.parse(programs.said.stdout)).toEqual({
      error: { code: 'not_found', message: 'there is no such run', exit: 3 },
    });
  });

  test.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
    [{ TERM: 'dumb' }, true, false],
  ])('colour with %j on a terminal (%s): %s', (environment, isTTY, expected) => {
    expect(wantsColor({ write: () => undefined, isTTY }, environment)).toBe(expected);
  });
});

describe('tables', () => {
  const { terminal, said } = open({ json: false, environment: { NO_COLOR: '1' } });

  test('columns align by characters, and only the last one is cut', () => {
    terminal.show(null, (_, paint) =>
      table(
        ['name', 'what'],
        [
          ['ü👍', 'one\ntwo'],
          [{ text: 'painted', paint: (text) => `<${text}>` }, 'x'.repeat(50)],
        ],
        paint,
        31,
      ),
    );
    expect(said.stdout.split('\n')).toEqual([
      'name     what',
      'ü👍       one two',
      `<painted>  ${'x'.repeat(21)}…`,
      '',
    ]);
  });

  test('indentation leaves empty lines empty', () => {
    expect(indented('a\n\nb', '  ')).toBe('  a\n\n  b');
  });
});
