import { listReleases, promoteRelease, type ReleaseRow } from '../../../src/store/releases.ts';
import { closeSignal, messageSignal, retrySignal } from '../../../src/workflows/messages.ts';
import { type Handle, type Lab, until } from '../../e2e/lab.ts';
import { readEnds, sumOf } from './ends.ts';
import type { Part } from './part.ts';
import { openPeople } from './people.ts';
import { isFailing, isInState, startsIn } from './planting.ts';
import { endsOf } from './play.ts';
import { startProcess } from './process.ts';
import { rewritten, snapshot, strayed } from './snapshots.ts';
import { openBench, type Stage } from './stage.ts';

const WAIT_MS = 120_000;
/** What is said to a chat after its opening. */
const MORE = 'more';

/**
 * Workers of version 1 are replaced by those of version 2 (another prompt, other rules, another version of a tool), and
 * those by version 1 again, while runs of both wait. `patched`: version 2 also has other workflow code, which replays the
 * runs of version 1; what begins with it can only go on with it.
 */
export async function playVersions(stage: Stage, { patched }: { readonly patched: boolean }): Promise<Part> {
  await using bench = await openBench(stage);
  const { lab, environment } = bench;
  const { start, startedAs } = startsIn(lab);
  const problems: string[] = [];
  const second = { environment, version: '2', ...(patched && { planted: './plantedPatch.ts' }) };

  const one = await startProcess({ environment });
  const approval = await start('teller', 'v1 approval');
  const unknown = await start('reconcile', 'v1 unknown');
  const idle = await start('chat', 'v1 idle');
  const outage = await start('outage', 'v1 outage');
  const before = [approval, unknown, idle, outage];
  const answersFor = new Map([
    [approval.workflowId, 0],
    [unknown.workflowId, 1],
  ]);
  await using people = openPeople(lab, stage.payments, { answersFor });
  await allIn(lab, [
    [approval, 'waiting'],
    [unknown, 'unknown'],
    [idle, 'idle'],
    [outage, 'outage'],
  ]);
  const parkedOfOne = await snapshot(lab, before);
  const ofFirst = await published(lab);
  const two = await startProcess(second);
  await one.kill('SIGTERM');

  // The channel has not moved: who starts now is of version 1, on workers of version 2.
  const between = await start('reads', 'v1 begun on v2');
  await endsOf([between]);
  const ofSecond = (await published(lab)).filter(({ hash }) => !ofFirst.some((one) => one.hash === hash));
  await promote(lab, ofSecond);
  const unknownOfTwo = await start('reconcile', 'v2 unknown');
  const idleOfTwo = await start('chat', 'v2 idle');
  // Nobody is asked by the rules of version 2, so its first question is what became of the effect.
  answersFor.set(unknownOfTwo.workflowId, 0);
  const paidByTwo = await start('teller', 'v2 approval');
  await endsOf([paidByTwo]);
  await allIn(lab, [
    [unknownOfTwo, 'unknown'],
    [idleOfTwo, 'idle'],
  ]);
  const parkedOfTwo = await snapshot(lab, [unknownOfTwo, idleOfTwo]);

  // Version 1 goes on where it was, as far as no code of it is needed that is not there.
  await talk(idle);
  await outage.signal(retrySignal, { by: 'operator' });
  people.answer(unknown.workflowId);
  people.answer(approval.workflowId);
  await endsOf([idle, outage, unknown]);
  await until('the call that waits for its version of the tool', () => waitsForRelease(approval), WAIT_MS);

  // Back to version 1, both alive for a while: each call finds the worker that has its code.
  await using again = await startProcess({ environment });
  const alsoByTwo = await start('teller', 'v2 approval beside v1');
  const readyAtMs = performance.now();
  await nudged(lab, [approval, alsoByTwo]);
  const backMs = performance.now() - readyAtMs;
  await two.kill('SIGTERM');
  await promote(lab, ofFirst);
  const rolledBack = await start('teller', 'v1 again');
  await endsOf([rolledBack]);
  await talk(idleOfTwo);
  people.goOn();
  if (patched) {
    // Their histories name code that version 1 does not have: they wait for it, and it comes back.
    for (const handle of [idleOfTwo, unknownOfTwo])
      await until('a run that waits for the code it began with', () => isFailing(handle), WAIT_MS);
    await again.kill('SIGTERM');
    await using _third = await startProcess(second);
    await endsOf([idleOfTwo, unknownOfTwo]);
  } else await endsOf([idleOfTwo, unknownOfTwo]);

  const ofOne = [...before, between, rolledBack];
  const ofTwo = [unknownOfTwo, idleOfTwo, paidByTwo, alsoByTwo];
  problems.push(
    ...strayed(await snapshot(lab, ofOne), ofFirst),
    ...strayed(await snapshot(lab, ofTwo), ofSecond),
  );
  const now = await snapshot(lab, [...ofOne, ...ofTwo]);
  problems.push(...rewritten([...parkedOfOne, ...parkedOfTwo], now));
  problems.push(...lab.model.problems.map((problem) => `the model was sent other bytes: ${problem}`));
  const talked = (handle: Handle) => (handle === idle || handle === idleOfTwo ? [MORE] : []);
  const { decisions } = people;
  const ends = sumOf([
    await readEnds(lab, stage.payments, startedAs(ofOne, talked), { decisions }),
    // By the rules of version 2 nobody is asked before the act, and by those of version 1 somebody is.
    await readEnds(lab, stage.payments, startedAs(ofTwo, talked), { decisions, asks: () => null }),
  ]);
  const [asked] = await lab.sql<{ runs: number }[]>`
    select count(*)::int as runs from approvals
    where kind = 'call' and workflow_id = any(${ofTwo.map(({ workflowId }) => workflowId)})`;
  if (asked?.runs !== 0) problems.push(`${asked?.runs} runs of version 2 went by the rules of version 1`);
  return {
    name: patched ? 'other workflow code too' : 'other agents',
    faults: patched ? 4 : 3,
    runs: ofOne.length + ofTwo.length,
    ...ends,
    recoveryMs: [backMs],
    problems: [...problems, ...ends.problems],
    vacuous: ends.effects < 6 ? [`${ends.effects} effects`] : [],
    figures: {},
  };
}

async function allIn(lab: Lab, wanted: readonly (readonly [Handle, string])[]): Promise<void> {
  for (const [handle, state] of wanted)
    await until(`${handle.workflowId} to be ${state}`, () => isInState(lab, handle, state), WAIT_MS);
}

async function talk(handle: Handle): Promise<void> {
  await handle.signal(messageSignal, { text: MORE, by: 'mara', id: 'more' });
  await handle.signal(closeSignal, { by: 'mara' });
}

function published(lab: Lab): Promise<readonly ReleaseRow[]> {
  return listReleases(lab.sql, 10);
}

async function promote(lab: Lab, releases: readonly ReleaseRow[]): Promise<void> {
  for (const { agent, hash } of releases)
    await promoteRelease(lab.sql, { agent, channel: 'live', release: hash, by: 'operator' });
}

async function waitsForRelease(handle: Handle): Promise<boolean> {
  return (await activitiesOf(handle)).some(({ failure }) => failure === 'release_not_here');
}

async function activitiesOf(handle: Handle) {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).map(({ activityId, lastFailure }) => ({
    id: activityId ?? '',
    failure: lastFailure?.applicationFailureInfo?.type ?? null,
  }));
}

/** An operator who does not want to wait for the next try: that comes by itself within a minute. */
async function nudged(lab: Lab, handles: readonly Handle[]): Promise<void> {
  let over = false;
  const ended = endsOf(handles).finally(() => {
    over = true;
  });
  const nudge = async () => {
    for (const handle of handles)
      for (const { id, failure } of await activitiesOf(handle))
        if (failure === 'release_not_here')
          await lab.client.workflowService.resetActivity({
            namespace: 'default',
            execution: { workflowId: handle.workflowId },
            identity: 'operator',
            id,
          });
    return over;
  };
  await Promise.all([ended, until('the worker that has the code', nudge, WAIT_MS)]);
}
