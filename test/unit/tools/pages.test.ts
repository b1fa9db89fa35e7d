import { expect, test } from 'vitest';
import type { Job } from '../../../src/activities/attempt.ts';
import { readPage } from '../../../src/activities/pages.ts';
import { runIdFromUuid } from '../../../src/core/ids.ts';
import { hashText } from '../../../src/store/hash.ts';

/** Only what reading a page touches: the store, the run and the arguments. */
function job(answer: () => Promise<readonly { hash: string; body: string }[]>): Job {
  const sql = (first: TemplateStringsArray | readonly string[]) => ('raw' in first ? answer() : first);
  const run = runIdFromUuid('01234567-89ab-cdef-0123-456789abcdef');
  const parts = { services: { sql }, input: { run }, args: { reference: hashText('long'), offset: 0 } };
  return parts as unknown as Job;
}

test('a page that is not there is not found; of a store that is away nothing of the kind is said', async () => {
  expect((await readPage(job(async () => []))).result.kind).toBe('not_found');
  expect((await readPage(job(async () => [{ hash: hashText('long'), body: 'long' }]))).result).toMatchObject({
    kind: 'success',
    data: { text: 'long', next: null },
  });
  const away = job(() => Promise.reject(new Error('ECONNREFUSED')));
  await expect(readPage(away)).rejects.toThrow('ECONNREFUSED');
  const changed = job(async () => [{ hash: hashText('long'), body: 'something else' }]);
  await expect(readPage(changed)).rejects.toThrow('does not have the bytes');
});
