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
    ['a connection it cannot keep', 'ERROR', '08006'],
    ['a time-out of its own for statements', 'ERROR', '57014'],
    ['a time-out of its own for transactions', 'FATAL', '25P04'],
    ['another primary since', 'ERROR', '25006'],
    ['a lock that did not come', 'ERROR', '55P03'],
    ['a deadlock', 'ERROR', '40P01'],
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

describe('what the system says of the way there', () => {
  /** As Node makes them: `syscall` and `errno` beside the code. */
  const system = (code: string, syscall: string, more: object = {}) =>
    Object.assign(new Error(`${syscall} ${code}`), { code, syscall, errno: -1, ...more });

  test.each([
    ['EAI_AGAIN', 'getaddrinfo'],
    ['ENOTFOUND', 'getaddrinfo'],
    ['ENETUNREACH', 'connect'],
    ['ENETDOWN', 'connect'],
    ['EHOSTDOWN', 'connect'],
    ['EHOSTUNREACH', 'connect'],
    ['ECONNREFUSED', 'connect'],
    ['ETIMEDOUT', 'connect'],
    ['EADDRNOTAVAIL', 'connect'],
    ['EMFILE', 'connect'],
    // The socket file of a local server that is not up.
    ['ENOENT', 'connect'],
    ['ECONNRESET', 'read'],
    ['EPIPE', 'write'],
  ])('%s is an outage', async (code, syscall) => {
    expect(await outcome(system(code, syscall))).toBe(`the database did not answer (${code})`);
  });

  test('an end before TLS stands, which has no syscall, is an outage', async () => {
    const reset = Object.assign(new Error('socket disconnected'), { code: 'ECONNRESET', host: 'db' });
    expect(await outcome(reset)).toBe('the database did not answer (ECONNRESET)');
  });

  test('a name with several addresses, none of which can be reached, is an outage', async () => {
    const tried = [system('ENETUNREACH', 'connect'), system('EHOSTDOWN', 'connect')];
    const all = Object.assign(new AggregateError(tried), { code: 'ENETUNREACH' });
    expect(await outcome(all)).toBe('the database did not answer (ENETUNREACH)');
  });

  test('what it says of a file is no outage, nor is a wrong use of Node', async () => {
    expect(await outcome(system('ENOENT', 'open', { path: '/etc/none' }))).toBe('as it is');
    const wrong = Object.assign(new TypeError('no'), { code: 'ERR_INVALID_ARG_TYPE' });
    expect(await outcome(wrong)).toBe('as it is');
  });
});
