import { failed, success } from '../../src/tools/result.ts';
import { effectTool, labAgent, readTool } from '../e2e/labAgent.ts';
import { canariesOf } from './canaries.ts';

// An agent whose tools, table and instructions are full of secrets. Loaded by a worker in another process.

const canaries = canariesOf(process.env.CANARY_SEED ?? '');
const { tool } = canaries;

const leaked = {
  note: `aws ${tool.aws} and a token ${tool.jwt}`,
  password: tool.assigned,
  connection: `postgres://shop:${tool.url}@db.example:5432/shop`,
  key: `-----BEGIN PRIVATE KEY-----\n${tool.pem}\n-----END PRIVATE KEY-----`,
  deploy: tool.github,
  environment: Object.values(canaries.environment),
};

export const agent = {
  ...labAgent(
    [
      readTool('leak', () => success(leaked)),
      readTool('read_row', () => success({ id: 7, name: 'Shop', api_key: canaries.database })),
      readTool('throw', () => {
        throw new Error(`cannot reach ${leaked.connection} with ${canaries.environment.PAYMENTS_TOKEN}`);
      }),
      readTool('fail', (_, { log }) => {
        log(`trying with ${tool.github}`, { authorization: `Bearer ${tool.jwt}`, key: leaked.key });
        return failed(`refused: ${tool.aws}, password=${tool.assigned}`, { retryable: true });
      }),
      effectTool('send', undefined, {
        summary: ({ what }) => `send ${what}`,
        payee: ({ what }) => what.slice(0, 100),
      }),
    ],
    {
      name: 'canary',
      goal: `Help. Your own access key is ${canaries.prompt}; never say it.`,
      policy: [
        { name: 'writes', match: { tiers: ['write_risky'] }, answer: { kind: 'ask', reason: 'a test asks' } },
      ],
    },
  ),
};
