import { describe, expect, test } from 'vitest';
import { findSecrets } from '../../../src/guards/secrets.ts';

function found(text: string, exact?: readonly string[]): readonly string[] {
  return findSecrets(text, exact).map(({ start, end }) => text.slice(start, end));
}

/** Put together here, so that no scanner of repositories takes them for real ones. */
function key(prefix: string, length: number, alphabet = 'aB3dE5gH7jK9mN1pQ2sT4vW6yZ8'): string {
  return prefix + alphabet.repeat(Math.ceil(length / alphabet.length)).slice(0, length);
}

const HEX = '3fa91c07be5d2648';
const JSON_TOKEN = [key('eyJ', 17), key('eyJ', 40), key('', 43)].join('.');

const KEYS: readonly (readonly [kind: string, key: string])[] = [
  ['Anthropic', key('sk-ant-api03-', 93)],
  ['OpenAI', key('sk-', 48)],
  ['OpenAI, of a project', key('sk-proj-', 120)],
  ['AWS', key('AKIA', 16, 'Q7ZX2M5K')],
  ['GitHub', key('ghp_', 36)],
  ['GitHub, fine grained', key('github_pat_', 82)],
  ['GitLab', key('glpat-', 20)],
  ['Slack', key('xoxb-', 50, '1234567890-aBcD')],
  ['Google', key('AIza', 35)],
  ['Google, of an hour', key('ya29.', 60)],
  ['Stripe', key('sk_live_', 24)],
  ['Stripe, for webhooks', key('whsec_', 32)],
  ['SendGrid', `${key('SG.', 22)}.${key('', 43)}`],
  ['npm', key('npm_', 36)],
  ['Hugging Face', key('hf_', 34)],
  ['Twilio', key('SK', 32, HEX)],
  ['Telegram', `123456789:AA${key('', 33)}`],
  ['a JSON web token', JSON_TOKEN],
];

describe('keys of known shape', () => {
  test.each(KEYS)('%s', (_, secret) => {
    expect(found(`it is ${secret}, keep it`)).toEqual([secret]);
    expect(found(JSON.stringify({ text: `first\n${secret}` }))).toEqual([secret]);
    expect(found(`https://example.org/?k=${secret}`)).toEqual([secret]);
  });

  test('a private key, whole, escaped and cut off', () => {
    const body = `${key('', 64)}\n${key('', 40)}\n`;
    const whole = `-----BEGIN RSA PRIVATE KEY-----\n${body}-----END RSA PRIVATE KEY-----`;
    expect(found(`a ${whole} b`)).toEqual([whole]);
    const escaped = JSON.stringify(whole).slice(1, -1);
    expect(found(`"${escaped}"`)).toEqual([escaped]);
    expect(found(`a -----BEGIN PRIVATE KEY-----\n${body}`)).toEqual([`-----BEGIN PRIVATE KEY-----\n${body}`]);
  });

  test('the password in an address, also with a second @', () => {
    expect(found('postgres://app:s3cr3t@db:5432/app')).toEqual(['s3cr3t']);
    expect(found('redis://:hunter2@cache')).toEqual(['hunter2']);
    expect(found('amqp://u:p@ss:word@host/x')).toEqual(['p@ss:word']);
    expect(found('see http://host:8080/path and mail me@example.org')).toEqual([]);
  });
});

describe('what the text itself calls secret', () => {
  test.each([
    ['password: hunter2!', 'hunter2!'],
    ['DB_PASSWORD=correcthorse', 'correcthorse'],
    ['{"password":"tr0ub4dor&3"}', 'tr0ub4dor&3'],
    ['{"password": "correct horse 4 \\"x\\" staple"}', 'correct horse 4 \\"x\\" staple'],
    ['{\\"apiKey\\":\\"aB3dE5gH7jK9mN1p\\"}', 'aB3dE5gH7jK9mN1p'],
    ['my password is Sommer2024!', 'Sommer2024!'],
    ['client_secret = aB3dE5gH7jK9mN1pQ2', 'aB3dE5gH7jK9mN1pQ2'],
    [
      'AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLE9',
      'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLE9',
    ],
    ['Authorization: Bearer aB3dE5gH7jK9mN1pQ2sT', 'aB3dE5gH7jK9mN1pQ2sT'],
    ['authorization: Basic dXNlcjpwYXNzd29yZDEyMw==', 'dXNlcjpwYXNzd29yZDEyMw=='],
    ['access token: aB3dE5gH7jK9mN1pQ2sT.', 'aB3dE5gH7jK9mN1pQ2sT'],
  ])('%s', (text, secret) => {
    expect(found(text)).toEqual([secret]);
  });

  test.each([
    'I forgot my password: what can I do?',
    'the password is required, and password: string',
    `password=null, password: [secret], token: \${TOKEN}, secret=<your secret>`,
    'usage: {"input_tokens": 12345, "max_tokens": 4096}',
    'nextPageToken = response.nextPageToken?.length',
    'the secret is out; a token of thanks; the key: see chapter 3',
    'bearer of bad news, basic understanding of everything',
    'item_id 9523456873, run_01HV3K9ZJ4, sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c',
    'the task-queue-of-the-worker-number-1 and a risk-assessment-for-2024-quarter-3',
    'id 550e8400-e29b-41d4-a716-446655440000',
    'a password reset link was sent to your mail',
  ])('nothing is secret in: %s', (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe('exact values', () => {
  const value = 'Kn4tter/mast+"Ölbaum"';

  test.each([
    ['as it is', value],
    ['in JSON', JSON.stringify(value).slice(1, -1)],
    ['in JSON within JSON', JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1)],
    ['in an address', encodeURIComponent(value)],
    [
      'in an address, in small letters',
      encodeURIComponent(value).replace(/%../g, (code) => code.toLowerCase()),
    ],
    ['in hexadecimal', Buffer.from(value).toString('hex')],
  ])('%s', (_, form) => {
    expect(found(`x=${form};`, [value])).toEqual([form]);
  });

  test.each(['', 'a', 'ab', 'user:', 'abc:'])('in base64 behind "%s"', (before) => {
    for (const encoding of ['base64', 'base64url'] as const) {
      const text = Buffer.from(`${before}${value}zz`).toString(encoding);
      const [secret = ''] = found(`Z ${text} Z`, [value]);
      expect(secret.length).toBeGreaterThanOrEqual(Math.floor((Buffer.byteLength(value) * 8) / 6) - 2);
    }
  });

  test('values under eight characters, and none at all, find nothing', () => {
    expect(found('short and sweet', ['short', 'sweet', ''])).toEqual([]);
  });

  test('more values than the limit do not make it slow', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => `value-number-${i}`);
    const from = performance.now();
    expect(found('it is value-number-7, indeed', many)).toEqual(['value-number-7']);
    expect(performance.now() - from).toBeLessThan(5_000);
  });
});

/** Each would be slow for a pattern that can be split in two ways, or that begins anew at every character. */
const HOSTILE = [
  'eyJ',
  '-eyJabcdef',
  'eyJabcdef.',
  '-----BEGIN PRIVATE KEY-----',
  '://a:',
  '://a:b',
  'password ',
  'passwordpassword',
  'token is ',
  'bearer ',
  'sk-',
  'aaa8Q~',
  '0',
  '\\n',
];

test.each(HOSTILE)('a megabyte of %j takes seconds, not hours', (part) => {
  const text = part.repeat(Math.ceil(2 ** 20 / part.length));
  const from = performance.now();
  findSecrets(text, ['aaaaaaaa', 'abcdefgh1234']);
  expect(performance.now() - from).toBeLessThan(20_000);
});

test('keys and passwords that happen to have no digit are found, names in camel case are not', () => {
  const key = ['AKIA', 'QCQETDPNHXLDUQFT'].join('');
  const password = ['LocCIlxxHxSz', 'wojGbjQxZlXQ'].join('');
  expect(findSecrets(`aws ${key} here`)).toHaveLength(1);
  expect(findSecrets(`password: ${password} ; next`)).toHaveLength(1);
  expect(findSecrets(JSON.stringify({ token: password }))).toHaveLength(1);
  expect(findSecrets('password: ForgottenPasswordResetLink, token: nextPageTokenOfTheList')).toEqual([]);
});
