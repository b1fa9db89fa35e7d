import { describe, expect, test } from 'vitest';
import { redact, redactSecrets, secretValues } from '../../../src/guards/redact.ts';

const TEXT =
  'Zoe Berg (zoe@example.org, +31 20 794 0123), 44 Grey Street: card 4111 1111 1111 1111, password: tr0ub4dor&3';

describe('redaction', () => {
  test('puts readable markers and names what it found', () => {
    expect(redact(TEXT, { names: ['Zoe Berg'] })).toEqual({
      text: '[name] ([mail], [phone]), [address]: card [card], password: [secret]',
      found: ['secret', 'card', 'mail', 'phone', 'address', 'name'],
    });
  });

  test('of secrets alone leaves the conversation as it is', () => {
    expect(redactSecrets(TEXT)).toEqual({ text: TEXT.replace('tr0ub4dor&3', '[secret]'), found: ['secret'] });
  });

  test('of what was redacted changes nothing more', () => {
    const once = redact(TEXT, { names: ['Zoe Berg'] }).text;
    expect(redact(once, { names: ['Zoe Berg'] })).toEqual({ text: once, found: [] });
  });

  test('of a text without any is the same text', () => {
    expect(redact('nothing here', { names: ['Zoe'] }, ['long-secret-value'])).toEqual({
      text: 'nothing here',
      found: [],
    });
  });

  test('leaves JSON readable as JSON', () => {
    const line = JSON.stringify({
      mail: 'a@example.org',
      note: 'call\n+31 20 794 0123',
      password: 'tr0ub4dor"3',
    });
    expect(JSON.parse(redact(line).text)).toMatchObject({ mail: '[mail]', note: 'call\n[phone]' });
  });
});

test('JSON stays JSON, also within JSON, and a second pass finds nothing more', () => {
  const record = {
    name: { first: 'Zoe', last: 'Berg' },
    address: { address1: '44 Grey Street', address2: 'Suite 12', city: 'Leeds', zip: '80279' },
    mail: 'zoe@example.org',
    note: 'Zoe Berg\n\n12 Elm Street\nApt. 4\nSpringfield\nCanada 12345',
    password: 'tr0ub"4\\dor&3\n',
  };
  let text = JSON.stringify(record);
  for (let depth = 1; depth <= 3; depth++) {
    const once = redact(text, { names: ['Zoe Berg'] });
    let inner: unknown = once.text;
    for (let i = 0; i < depth; i++) inner = JSON.parse(String(inner));
    expect(inner).toEqual({
      name: { first: '[name]', last: '[name]' },
      address: { address1: '[address]', address2: '[address]', city: 'Leeds', zip: '[address]' },
      mail: '[mail]',
      note: '[name]\n\n[address]',
      password: expect.stringContaining('[secret]'),
    });
    expect(redact(once.text, { names: ['Zoe Berg'] })).toEqual({ text: once.text, found: [] });
    text = JSON.stringify(text);
  }
});

describe('secret values of an environment', () => {
  test('come from names that say so, and from passwords in addresses', () => {
    expect(
      secretValues({
        ANTHROPIC_API_KEY: 'sk-ant-abcdefgh',
        HOLDFAST_DECISION_KEY: 'first-decision-key second-decision-key',
        HOLDFAST_WEBHOOK_SECRET: 'whsec_abcdefgh',
        githubToken: 'token-of-camel-case',
        DATABASE_URL: 'postgres://app:p%40ssw0rd-long@db:5432/app',
        PATH: '/usr/bin:/bin',
        HOME: '/home/somebody',
        MONKEY: 'bananas-and-more',
        TOKEN_FILE: '/run/secrets/token-file',
        SHORT_KEY: 'short',
        EMPTY_SECRET: '',
        GONE_SECRET: undefined,
      }),
    ).toEqual([
      'sk-ant-abcdefgh',
      'first-decision-key second-decision-key',
      'first-decision-key',
      'second-decision-key',
      'whsec_abcdefgh',
      'token-of-camel-case',
      'p%40ssw0rd-long',
      'p@ssw0rd-long',
    ]);
  });

  test('leave out a password that is the name of the user, the database or the host', () => {
    expect(secretValues({ DATABASE_URL: 'postgres://postgres:postgres@db/holdfast' })).toEqual([]);
    expect(secretValues({ DATABASE_URL: 'postgres://app:holdfast@db/holdfast' })).toEqual([]);
    expect(secretValues({ PWD: '/home/somebody/holdfast' })).toEqual([]);
    expect(secretValues({ PG_PWD: 'hunter22hunter22' })).toEqual(['hunter22hunter22']);
  });
});
