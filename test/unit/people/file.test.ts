import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { nameProblem, parsePeople } from '../../../src/people/file.ts';

function problemsOf(entries: unknown): readonly string[] {
  const parsed = parsePeople(typeof entries === 'string' ? entries : JSON.stringify(entries));
  return parsed.kind === 'bad' ? parsed.problems : [];
}

describe('a file of people', () => {
  test('says the whole of each person, with plain defaults', () => {
    const file = JSON.stringify([
      { id: 'anna' },
      { id: 'bert', name: 'Bert B.', tenant: 'shop-1', roles: ['approver', 'operator'], active: false },
      { id: 'backend', kind: 'service' },
    ]);
    expect(parsePeople(file)).toEqual({
      kind: 'ok',
      people: [
        { id: 'anna', name: 'anna', kind: 'person', tenant: null, roles: [], active: true },
        {
          id: 'bert',
          name: 'Bert B.',
          kind: 'person',
          tenant: 'shop-1',
          roles: ['approver', 'operator'],
          active: false,
        },
        { id: 'backend', name: 'backend', kind: 'service', tenant: null, roles: [], active: true },
      ],
    });
    expect(parsePeople('[]')).toEqual({ kind: 'ok', people: [] });
  });

  test.each<readonly [string, unknown, RegExp]>([
    ['no JSON', '[{"id":', /^the file is not JSON: /],
    ['no list', { id: 'anna' }, /^the file is not a JSON array/],
    ['an entry that is a name', ['anna'], /^entry 1: an object with an id/],
    ['no id', [{ name: 'Anna' }], /^entry 1: id must be text of 1 character/],
    ['an empty id', [{ id: '' }], /^entry 1 \(""\): id must be text of 1 character/],
    [
      'a long id',
      [{ id: 'x'.repeat(201) }],
      /^entry 1 \("x{64}"\): id must be text of at most 200 characters, not 201$/,
    ],
    ['an id nobody can be called by', [{ id: 'an\u0000na' }], /id must be well-formed text/],
    [
      'an id with a space after it',
      [{ id: 'anna ' }],
      /id must be well-formed text without spaces around it/,
    ],
    ['another kind', [{ id: 'anna', kind: 'robot' }], /\("anna"\): kind must be "person" or "service"$/],
    ['an empty tenant', [{ id: 'anna', tenant: '' }], /tenant must be text of 1 character/],
    ['roles in one text', [{ id: 'anna', roles: 'a, b' }], /roles must be a list of at most 50 roles$/],
    ['an empty role', [{ id: 'anna', roles: ['a', ''] }], /roles must be a list of roles, each text of 1/],
    ['a role twice', [{ id: 'anna', roles: ['a', 'a'] }], /in which no role comes twice$/],
    ['activity in words', [{ id: 'anna', active: 'yes' }], /active must be true or false$/],
    [
      'a slip of the pen',
      [{ id: 'anna', role: ['a'] }],
      /"role" is no member: id, name, kind, tenant, roles, active$/,
    ],
    [
      'the same person twice',
      [{ id: 'anna' }, { id: 'b' }, { id: 'anna' }],
      /^entry 3 \("anna"\): entry 1 has the same id$/,
    ],
  ])('%s is refused with its entry and the rule', (_name, entries, problem) => {
    const problems = problemsOf(entries);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  test('every problem is named at once, and one refuses the whole file', () => {
    expect(problemsOf([{ id: 'anna' }, { id: '', kind: 'x' }, { id: 'bert', active: 1 }])).toEqual([
      'entry 2 (""): id must be text of 1 character or more',
      'entry 2 (""): kind must be "person" or "service"',
      'entry 3 ("bert"): active must be true or false',
    ]);
  });

  test('is bounded in people and in bytes', () => {
    const many = Array.from({ length: LIMITS.importedPeople + 1 }, (_, i) => ({ id: `p${i}` }));
    expect(problemsOf(many)).toEqual([
      expect.stringMatching(/^the file has 10001 people, the limit is 10000/),
    ]);
    expect(problemsOf(' '.repeat(LIMITS.peopleFileBytes + 1))).toEqual([
      expect.stringMatching(/^the file has \d+ bytes, the limit is/),
    ]);
  });

  test('names of members are names too', () => {
    expect(['anna', 'Anna B.', 'a@b.example', '名前'].map(nameProblem)).toEqual([null, null, null, null]);
  });
});
