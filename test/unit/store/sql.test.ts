import { describe, expect, test } from 'vitest';
import { type Parameter, part, statementOf } from '../../../src/store/sql.ts';

const say = (strings: TemplateStringsArray, ...values: readonly Parameter[]) => statementOf(strings, values);

describe('a statement', () => {
  test('has its values beside it', () => {
    const { text, values } = say`select ${1} where a = any(${['b', 'c']}) and d = ${null}`;
    expect(text).toBe('select $1 where a = any($2) and d = $3');
    expect(values).toEqual([1, ['b', 'c'], null]);
  });

  test('has the same text and name at each call, and another one elsewhere', () => {
    const ask = (n: number) => say`select ${n} as again`;
    expect(ask(2)).toEqual({ ...ask(1), values: [2] });
    expect(say`select ${1} as other`.name).not.toBe(ask(1).name);
  });

  test('is written together of parts, whose values are numbered with its own', () => {
    const since = part`now() - ${5}::float8`;
    const mine = part`(owner = ${'me'} or at > ${since})`;
    const { text, values } = say`select ${0} from x where ${mine} and y > ${since} and z = ${true}`;
    expect(text).toBe(
      'select $1 from x where (owner = $2 or at > now() - $3::float8) and y > now() - $4::float8 and z = $5',
    );
    expect(values).toEqual([0, 'me', 5, 5, true]);
    expect(say`select ${part``}`).toMatchObject({ text: 'select ', values: [] });
  });

  test('sends times in UTC', () => {
    expect(say`select ${new Date(0)}`.values).toEqual(['1970-01-01T00:00:00.000Z']);
  });

  test('with a value that is missing is refused, not sent as NULL', () => {
    const missing = undefined as unknown as Parameter;
    expect(() => say`select ${1}, ${missing}`).toThrow('value 2 of a statement is undefined');
  });
});
