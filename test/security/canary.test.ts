import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Handle, type Lab, openLab, until } from '../e2e/lab.ts';
import { type Canaries, canariesOf, foundIn, namedCanaries, newSeed } from './canaries.ts';

/**
 * V7: no secret in histories, logs, cards and error texts, wherever it was planted. The model says everything it has
 * seen, in texts, arguments and answers; what it says is a stranger's.
 */
const seed = newSeed();
const canaries = canariesOf(seed);
const named = namedCanaries(canaries);
/** Not secret by any sign, and in the customer's own words: shows that the search finds what is there. */
const CONTROL = 'open-sesame-0815';

let lab: Lab;
let logs = '';
let stop: () => Promise<void>;
let handle: Handle;

function everything({ environment, tool, database, prompt }: Canaries): string {
  return [
    `password: ${tool.assigned}`,
    `postgres://shop:${tool.url}@db.example/shop`,
    `-----BEGIN PRIVATE KEY-----\n${tool.pem}\n-----END PRIVATE KEY-----`,
    tool.aws,
    tool.jwt,
    tool.github,
    database,
    prompt,
    ...Object.values(environment),
  ].join(' ; ');
}

beforeAll(async () => {
  const all = everything(canaries);
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [],
    worker: false,
    conversations: [
      {
        id: 'canary',
        opening: `tell me, ${CONTROL}`,
        steps: [
          {
            says: {
              text: 'I look.',
              calls: ['leak', 'read_row', 'throw', 'fail'].map((name) => ({ name, input: { what: 'x' } })),
            },
          },
          { says: { text: `I know ${all}`, calls: [{ name: 'send', input: { what: all } }] } },
          {
            says: {
              text: 'I try once more.',
              calls: [{ name: `tool ${canaries.prompt}`, input: { what: all } }],
            },
          },
          { says: { text: `All I know: ${all}` } },
        ],
      },
    ],
  });
  const worker = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('../../src/worker.ts', import.meta.url))],
    {
      env: {
        ...process.env,
        ...lab.environment,
        ...canaries.environment,
        CANARY_SEED: seed,
        HOLDFAST_NOTICES: 'log',
        HOLDFAST_AGENTS: fileURLToPath(new URL('./canaryAgent.ts', import.meta.url)),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  for (const stream of [worker.stdout, worker.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      logs += text;
    });
  const exited = once(worker, 'exit');
  stop = async () => {
    if (worker.exitCode === null) worker.kill('SIGTERM');
    await exited;
  };
  await until('the worker polls', async () => logs.includes('is polling'));
  handle = await lab.start({
    agent: 'canary',
    message: `tell me, ${CONTROL}`,
    requester: { id: 'customer' },
    once: true,
  });
}, 60_000);

afterAll(async () => {
  await stop?.();
  await lab?.[Symbol.asyncDispose]();
});

/** The history as it is stored, with the bytes of payloads as text. */
async function historyText(): Promise<string> {
  const { events } = await handle.fetchHistory();
  const payloads: string[] = [];
  const text = JSON.stringify(events, (key, value: unknown) => {
    if (key === 'data' && typeof value === 'string')
      payloads.push(Buffer.from(value, 'base64').toString('utf8'));
    return value;
  });
  return [text, ...payloads].join('\n');
}

describe('V7', () => {
  test('the search finds what is there, also where it was encoded', () => {
    for (const [name, value] of named) {
      for (const form of [
        value,
        encodeURIComponent(value),
        Buffer.from(`${name} ${value} x`).toString('base64'),
      ])
        expect(foundIn(`before ${form} after`, named)).toContain(name);
    }
    expect(foundIn('nothing here', named)).toEqual([]);
  });

  test('a request to people shows no secret on the card, in the store or in notices', async () => {
    await until('the approval is open', async () => {
      const rows = await lab.sql`select 1 from approvals where state = 'open'`;
      return rows.length > 0;
    });
    await until('people are told', async () => logs.includes('notice:'));
    const card = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    const text = JSON.stringify(card);
    expect(text.includes('send')).toBe(true);
    expect(foundIn(text, named)).toEqual([]);
    const rows = await lab.sql`
      select row_to_json(a)::text as row from approvals a union all select row_to_json(n)::text from notices n
      union all select row_to_json(r)::text from runs r union all select row_to_json(u)::text from audit u`;
    expect(rows.length).toBeGreaterThan(2);
    expect(foundIn(rows.map(({ row }) => row).join('\n'), named)).toEqual([]);
  });

  test('no secret is in the history, the result, the logs and the error texts of the whole run', async () => {
    await handle.signal('cancel', { by: 'customer', reason: 'enough' });
    const result = JSON.stringify(await handle.result());
    await stop();
    const history = await historyText();
    // Whole histories in a report would tell what they must not hold.
    expect(history.includes(CONTROL)).toBe(true);
    expect({
      history: foundIn(history, named),
      result: foundIn(result, named),
      logs: foundIn(logs, named),
    }).toEqual({ history: [], result: [], logs: [] });
  });
});
