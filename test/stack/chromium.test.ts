import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureChromium, findChromium } from '../../scripts/chromium.mjs';
import { makeFolder } from './folders.ts';

/** A PATH of one folder. Its apt-get takes notes, and does what these lines of shell say. */
function makeMachine(aptGet: string | null) {
  const folder = makeFolder();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const notes = join(folder, 'notes');
  const addProgram = (name: string, lines = '') => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${lines}\n`);
    chmodSync(join(bin, name), 0o755);
    return join(bin, name);
  };
  if (aptGet !== null) addProgram('apt-get', `echo "$DEBIAN_FRONTEND $*" >> ${notes}\n${aptGet}`);
  const said: string[] = [];
  return {
    bin,
    folder,
    addProgram,
    said,
    environment: { PATH: bin },
    runs: () => (existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : []),
    ensure: (isRoot: boolean, more: Record<string, string> = {}) =>
      ensureChromium({
        environment: { PATH: bin, ...more },
        isRoot,
        onProgress: (line) => void said.push(line),
      }),
  };
}

const FLAGS = 'noninteractive -q -o DPkg::Lock::Timeout=120';
const INSTALL = `${FLAGS} install -y --no-install-recommends chromium`;
/** Shell that leaves a browser beside apt-get: the PATH is one folder. */
const leaveChromium = 'echo "#!/bin/sh" > "$PATH/chromium"; /bin/chmod +x "$PATH/chromium"';

test('finds the browser that is named, then its usual names in their order', () => {
  const machine = makeMachine(null);
  expect(findChromium(machine.environment)).toBeNull();
  const google = machine.addProgram('google-chrome');
  expect(findChromium(machine.environment)).toBe(google);
  const chromium = machine.addProgram('chromium');
  expect(findChromium(machine.environment)).toBe(chromium);
  expect(findChromium({ ...machine.environment, HOLDFAST_CHROMIUM: google })).toBe(google);
  // A wrong name is an error to mend, not a reason to test with another browser; a folder is no program.
  expect(findChromium({ ...machine.environment, HOLDFAST_CHROMIUM: '/nowhere' })).toBeNull();
  expect(findChromium({ ...machine.environment, HOLDFAST_CHROMIUM: machine.bin })).toBeNull();
});

test('a machine that has a browser is left alone', async () => {
  const machine = makeMachine('exit 1');
  const chromium = machine.addProgram('chromium');
  expect(await machine.ensure(true)).toBe(chromium);
  expect(machine.runs()).toEqual([]);
});

test('root installs the package, with the index it has', async () => {
  const machine = makeMachine(leaveChromium);
  expect(await machine.ensure(true)).toBe(join(machine.bin, 'chromium'));
  expect(machine.runs()).toEqual([INSTALL]);
  expect(machine.said.join('\n')).toMatch(/done in \d+ s/);
});

test('an index that is missing is fetched first', async () => {
  const index = 'case "$*" in *update) > "$PATH/index";; *) [ -e "$PATH/index" ] || exit 100;';
  const machine = makeMachine(`${index} ${leaveChromium};; esac`);
  expect(await machine.ensure(true)).toBe(join(machine.bin, 'chromium'));
  expect(machine.runs()).toEqual([INSTALL, `${FLAGS} update`, INSTALL]);
});

test('where it cannot be had, the reason is said and nothing is tried in vain', async () => {
  const offline = makeMachine('echo "E: no network" >&2; exit 100');
  expect(await offline.ensure(true)).toBeNull();
  expect(offline.said.join('\n')).toMatch(/failed with code 100\nE: no network[\s\S]*could not be installed/);
  expect(offline.runs()).toEqual([INSTALL, `${FLAGS} update`]);

  const empty = makeMachine('exit 0');
  expect(await empty.ensure(true)).toBeNull();
  expect(empty.said.at(-1)).toContain('could not be installed');

  const user = makeMachine('exit 0');
  expect(await user.ensure(false)).toBeNull();
  expect(user.said.join('\n')).toContain('not root');
  expect(user.runs()).toEqual([]);

  const other = makeMachine(null);
  expect(await other.ensure(true)).toBeNull();
  expect(other.said.join('\n')).toContain('no apt-get');

  const named = makeMachine(leaveChromium);
  expect(await named.ensure(true, { HOLDFAST_CHROMIUM: '/nowhere' })).toBeNull();
  expect(named.said.join('\n')).toContain('/nowhere');
  expect(named.runs()).toEqual([]);
});
