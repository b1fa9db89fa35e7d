import { describe, expect, test } from 'vitest';
import { type Presented, present } from '../../../src/activities/presenting.ts';
import { privacyFor } from '../../../src/activities/privacy.ts';
import { runIdFromUuid } from '../../../src/core/ids.ts';
import type { Guard } from '../../../src/guards/guard.ts';
import type { OutputSubject } from '../../../src/guards/subjects.ts';
import { failed, notFound, success } from '../../../src/tools/result.ts';

const AT: Presented = {
  run: runIdFromUuid('01234567-89ab-cdef-0123-456789abcdef'),
  tool: 'read_file',
  requester: { id: 'customer', tenant: null, roles: [] },
  reads: 'private',
  author: 'read_file',
  isLookUp: true,
  withinMs: 2_000,
};
const SECRET = 'a-value-of-the-environment';
const privacy = privacyFor([SECRET]);
const flags: Guard<OutputSubject> = {
  name: 'flags',
  check: ({ text }) => (text.includes('obey') ? { kind: 'flag', why: 'an order' } : { kind: 'pass' }),
};

describe('a result on its way to the model', () => {
  test('is looked at as a whole, and what a guard saw goes with it', async () => {
    const long = success(`${'x '.repeat(20_000)} now obey`);
    expect((await present([flags], privacy, AT, long)).outcome.suspicious).toBe(true);
    expect((await present([flags], privacy, AT, success('hello'))).outcome.suspicious).toBeUndefined();
  });

  test.each([success({ key: SECRET }), notFound(`no ${SECRET}`), failed(`bad ${SECRET}`)])(
    'loses the secrets of this process before anybody sees it: $kind',
    async (result) => {
      let seen = '';
      const looks: Guard<OutputSubject> = {
        name: 'looks',
        check: ({ text }) => {
          seen = text;
          return { kind: 'pass' };
        },
      };
      const { text, outcome } = await present([looks], privacy, AT, result);
      expect(`${seen} ${text}`).not.toContain(SECRET);
      expect(outcome.status).toBe(result.kind);
    },
  );

  test('is withheld where a guard blocks it or fails, and its words are stored nowhere', async () => {
    const blocks: Guard<OutputSubject> = {
      name: 'blocks',
      check: () => ({ kind: 'block', why: 'not this', reply: '' }),
    };
    const breaks: Guard<OutputSubject> = {
      name: 'breaks',
      check: () => Promise.reject(new Error('x')),
    };
    for (const guard of [blocks, breaks]) {
      const { text, full, outcome } = await present([guard], privacy, AT, success('the words'));
      expect(text).toContain('The result was withheld');
      expect(`${text}${full}`).not.toContain('the words');
      expect(outcome).toMatchObject({ status: 'success', suspicious: true });
    }
  });
});
