import { describe, expect, test } from 'vitest';
import { onStore } from '../../../src/store/connection.ts';

/** As the driver hands over what the database says. */
function said(severity: string, code: string): Error {
  return Object.assign(new Error('its own words'), { name: 'PostgresError', severity, code });
}

const outcome = (error: Error) =>
  onStore(() => Promise.reject(error)).then(
    () => 'nothing',
    (thrown: unknown) => (thrown === error ? 'as it is' : (thrown as Error).message),
  );

describe('what the database says', () => {
  test.each([
    ['a full disk', 'ERROR', '53100'],
    ['a full disk that ends it', 'PANIC', '53100'],
    ['a log that cannot be written, for a reason it has no code for', 'PANIC', 'XX000'],
    ['an end that it has no code for', 'FATAL', 'XX000'],
    ['a restart', 'FATAL', '57P01'],
  ])('%s is an outage', async (_, severity, code) => {
    expect(await outcome(said(severity, code))).toBe(`the database did not answer (${code})`);
  });

  test.each([
    ['a wrong statement', 'ERROR', '42601'],
    ['a statement that runs into a bug of the database', 'ERROR', 'XX000'],
    ['a wrong password', 'FATAL', '28P01'],
  ])('%s is none', async (_, severity, code) => {
    expect(await outcome(said(severity, code))).toBe('as it is');
  });
});
