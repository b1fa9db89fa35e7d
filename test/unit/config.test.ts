import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ConfigError, type Environment, readConfig, VARIABLES } from '../../src/config.ts';

const good: Environment = {
  DATABASE_URL: 'postgres://user:SECRET@127.0.0.1:5432/holdfast',
  ANTHROPIC_API_KEY: 'SECRET-KEY',
};

function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n  - ').slice(1);
  }
  return [];
}

describe('a good environment', () => {
  test('gets its defaults', () => {
    expect(readConfig(good)).toMatchObject({
      databaseUrl: good.DATABASE_URL,
      taskQueue: 'holdfast',
      agents: ['support'],
      anthropic: { apiKey: 'SECRET-KEY', baseUrl: null },
      scripted: false,
      allowUnpriced: false,
      previews: true,
      codecModule: null,
      notices: { log: true, webhook: null },
      decisionKeys: null,
    });
  });

  test('says it all', () => {
    const config = readConfig({
      ...good,
      HOLDFAST_TASK_QUEUE: 'line',
      HOLDFAST_AGENTS: ' support , ./mine.ts ,',
      HOLDFAST_MODEL_URL: 'https://gateway.example',
      HOLDFAST_MODEL_SMALL: 'tiny-1, tiny-0',
      HOLDFAST_ALLOW_UNPRICED: 'on',
      HOLDFAST_PREVIEWS: 'off',
      HOLDFAST_CODEC: './codec.ts',
    });
    expect(config).toMatchObject({
      taskQueue: 'line',
      agents: ['support', './mine.ts'],
      anthropic: { baseUrl: 'https://gateway.example' },
      models: { small: ['tiny-1', 'tiny-0'], deep: ['claude-opus-5-5'] },
      allowUnpriced: true,
      previews: false,
      codecModule: './codec.ts',
    });
  });

  test('decision keys are read, and do not show', () => {
    const config = readConfig({ ...good, HOLDFAST_DECISION_KEY: `${'k'.repeat(32)} ${'l'.repeat(32)}` });
    expect(config.decisionKeys).toHaveLength(2);
    expect(inspect(config, { depth: 9, showHidden: true })).not.toMatch(/kkkk|llll/);
    expect(JSON.stringify(config)).not.toMatch(/kkkk|llll/);
  });

  test('without a key a scripted model answers at the URL', () => {
    const { ANTHROPIC_API_KEY: _key, ...rest } = good;
    expect(readConfig({ ...rest, HOLDFAST_MODEL_URL: 'http://127.0.0.1:9' })).toMatchObject({
      scripted: true,
      anthropic: { apiKey: 'scripted', baseUrl: 'http://127.0.0.1:9' },
    });
  });

  test('a variable that is set to nothing is not set', () => {
    const nothing = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, '  ']));
    expect(readConfig({ ...nothing, ...good })).toEqual(readConfig(good));
  });
});

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const webhook: Environment = {
  ...good,
  HOLDFAST_NOTICES: 'log, webhook',
  HOLDFAST_WEBHOOK_URL: 'https://hooks.example.com/holdfast',
  HOLDFAST_WEBHOOK_SECRET: SECRET,
};

describe('notices', () => {
  test('go where it says', () => {
    const { notices } = readConfig(webhook);
    expect(notices.log).toBe(true);
    expect(notices.webhook?.endpoint).toMatchObject({ allowed: false });
    expect(notices.webhook?.endpoint.url.href).toBe('https://hooks.example.com/holdfast');
    expect(notices.webhook?.keys).toEqual([Buffer.alloc(32, 7)]);
    expect(readConfig({ ...webhook, HOLDFAST_NOTICES: 'off' }).notices).toEqual({
      log: false,
      webhook: null,
    });
  });

  test.each<readonly [string, Environment, RegExp]>([
    ['an unknown way', { HOLDFAST_NOTICES: 'log,mail' }, /^HOLDFAST_NOTICES names "mail": it knows log/],
    ['off and on', { HOLDFAST_NOTICES: 'off,log' }, /^HOLDFAST_NOTICES names off and something else/],
    ['no address', { HOLDFAST_WEBHOOK_URL: '' }, /^HOLDFAST_WEBHOOK_URL is not set: where webhooks go/],
    ['no secret', { HOLDFAST_WEBHOOK_SECRET: '' }, /^HOLDFAST_WEBHOOK_SECRET is not set: signs webhooks/],
    [
      'an address in the clear',
      { HOLDFAST_WEBHOOK_URL: 'http://h.example' },
      /^HOLDFAST_WEBHOOK_URL is not https/,
    ],
    [
      'a weak secret',
      { HOLDFAST_WEBHOOK_SECRET: 'whsec_U0VDUkVU' },
      /^HOLDFAST_WEBHOOK_SECRET has a secret \(number 1\) of 6 bytes/,
    ],
  ])('with %s are refused', (_name, different, problem) => {
    const problems = problemsOf({ ...webhook, ...different });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
    expect(problems[0]).not.toContain('U0VDUkVU');
  });
});

describe('a bad environment names the variable and what to do', () => {
  test.each<readonly [string, Environment, RegExp]>([
    [
      'no database',
      { ...good, DATABASE_URL: undefined },
      /^DATABASE_URL is not set: PostgreSQL of the store: postgres:/,
    ],
    [
      'another database',
      { ...good, DATABASE_URL: 'mysql://u:SECRET@h/d' },
      /^DATABASE_URL does not begin with postgres:/,
    ],
    [
      'no model',
      { ...good, ANTHROPIC_API_KEY: '' },
      /^neither ANTHROPIC_API_KEY nor HOLDFAST_MODEL_URL is set: .*npm run dev/,
    ],
    [
      'a model URL without a scheme',
      { ...good, HOLDFAST_MODEL_URL: 'gateway' },
      /^HOLDFAST_MODEL_URL does not begin with http/,
    ],
    ['a long queue', { ...good, HOLDFAST_TASK_QUEUE: 'x'.repeat(201) }, /^HOLDFAST_TASK_QUEUE is too long/],
    [
      'a switch that is neither',
      { ...good, HOLDFAST_PREVIEWS: 'true' },
      /^HOLDFAST_PREVIEWS is "true": set it to on or off/,
    ],
    ['another switch', { ...good, HOLDFAST_ALLOW_UNPRICED: '1' }, /^HOLDFAST_ALLOW_UNPRICED is "1": /],
    [
      'a model name that is none',
      { ...good, HOLDFAST_MODEL_DEEP: 'two words' },
      /^HOLDFAST_MODEL_DEEP="two words" is not a model name/,
    ],
    [
      'a short decision key',
      { ...good, HOLDFAST_DECISION_KEY: `${'k'.repeat(32)} SECRET` },
      /^HOLDFAST_DECISION_KEY: key 2 of 2 has 6 characters: a key has at least 32/,
    ],
  ])('%s', (_name, environment, problem) => {
    const problems = problemsOf(environment);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
    expect(problems[0]).not.toContain('SECRET');
  });

  test('all problems come at once, each with its variable', () => {
    const problems = problemsOf({
      HOLDFAST_TASK_QUEUE: 'x'.repeat(201),
      HOLDFAST_PREVIEWS: 'yes',
      HOLDFAST_ALLOW_UNPRICED: 'no',
      HOLDFAST_MODEL_SMALL: '-',
    });
    expect(problems).toHaveLength(6);
    for (const problem of problems)
      expect(Object.keys(VARIABLES).some((name) => problem.includes(name))).toBe(true);
  });
});
