import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyShop, deleteShop, exportShop, importShop } from '../../src/agents/support/copies.ts';
import { agent } from '../../src/agents/support/index.ts';
import type { Database } from '../../src/tools/outside.ts';
import {
  hashOf,
  type Recording,
  type RetailData,
  readRetailData,
  sameResult,
  UNTOUCHED,
} from './retailData.ts';
import { callTool, type OpenDatabase, openDatabase, printed } from './supportAgent.ts';

/** Of this process only: another test run may use the same database at the same time. */
const ORIGINAL = `conformance-${randomUUID()}`;
const data = readRetailData();

if (data) describe('the shop answers like the recorded one', () => replayAll(data));
else
  test('the recorded conversations are there, or their absence is said aloud', () => {
    expect(process.env.CI, 'CI must not pass without ../shared/data/retail').not.toBe('true');
    console.warn('LEFT OUT: ../shared/data/retail is absent, so no recorded conversation was replayed.');
  });

function replayAll({ shop, recordings }: RetailData): void {
  let open: OpenDatabase;

  beforeAll(async () => {
    open = openDatabase();
    await agent.setup({ database: open.database });
    await importShop(open.database, ORIGINAL, shop);
  });
  afterAll(async () => {
    await deleteShop(open.database, ORIGINAL);
    await open.close();
  });

  test('a shop that was imported and not touched has the published hash', async () => {
    expect(hashOf(await exportShop(open.database, ORIGINAL))).toBe(UNTOUCHED);
  });

  test('there are 74 recordings with 564 calls', () => {
    expect(recordings.length).toBe(74);
    expect(recordings.flatMap(({ calls }) => calls).length).toBe(564);
  });

  test.each(recordings)('$id: every result and the final shop', async (recording) => {
    expect(await differences(open.database, recording)).toEqual([]);
  });

  test('the comparison notices a changed result, a changed error flag and a changed shop', async () => {
    const writes = recordings.find(({ finalHash }) => finalHash !== UNTOUCHED);
    const [first, ...others] = writes?.calls ?? [];
    if (!writes || !first) throw new Error('no recording writes');
    const tampered: Recording = {
      id: `${writes.id}-tampered`,
      calls: [{ ...first, content: `${first.content}!`, isError: !first.isError }, ...others],
      finalHash: UNTOUCHED,
    };
    const found = await differences(open.database, tampered);
    expect(found.map((line) => line.split(':')[0])).toEqual([
      'result of call 0',
      'error flag of call 0',
      'hash',
    ]);
  });
}

/** Replays a recording on a copy of the shop and lists what came out otherwise than recorded. */
async function differences(database: Database, recording: Recording): Promise<readonly string[]> {
  const shop = `${ORIGINAL}-${recording.id}`;
  await copyShop(database, ORIGINAL, shop);
  const found: string[] = [];
  for (const [i, call] of recording.calls.entries()) {
    const { content, isError } = printed(
      await callTool(database, call, { shop, idempotencyKey: `${recording.id}/${i}` }),
    );
    if (!sameResult(content, call.content))
      found.push(`result of call ${i}: ${call.tool} gave ${content}, recorded is ${call.content}`);
    if (isError !== call.isError) found.push(`error flag of call ${i}: ${isError}`);
  }
  const hash = hashOf(await exportShop(database, shop));
  if (hash !== recording.finalHash) found.push(`hash: ${hash}, recorded is ${recording.finalHash}`);
  await deleteShop(database, shop);
  return found;
}
