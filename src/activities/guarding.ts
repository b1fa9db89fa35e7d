import { type ContentBlock, isText, type Message, type ToolResultBlock } from '../core/messages.ts';
import { isNotice, notice } from '../core/refusals.ts';
import type { Release } from '../core/release.ts';
import { type Guard, type GuardNote, type GuardSubject, type Judgement, runGuards } from '../guards/guard.ts';
import { type AskYesNo, type GuardStage, type Guards, nameOf, type Said } from '../guards/subjects.ts';
import { guardsNotHere } from './releases.ts';
import type { ActivityServices } from './services.ts';
import type { RunRef } from './types.ts';
import type { ReadAppend } from './userMessage.ts';

// The guards that a release names, run inside the activities that hold the texts.

/** What a guard said, for the audit. */
export interface StageNote extends GuardNote {
  readonly stage: GuardStage;
}

/**
 * The guards of a release as this worker has them. A worker without one fails retryably, since another may have it;
 * `last`: nobody had it in time, and a guard that is not there has passed nothing.
 */
export function guardsOf(services: ActivityServices, release: Release, last: boolean): Guards {
  const here = services.agents.get(release.agent)?.guards;
  const pick = <Subject extends GuardSubject>(
    names: readonly string[],
    guards: readonly Guard<Subject>[] = [],
  ): readonly Guard<Subject>[] =>
    names.map((name) => {
      const guard = guards.find((one) => nameOf(one) === name);
      if (guard !== undefined) return guard;
      if (last) return { name, check: () => Promise.reject(new Error(`this worker has no guard ${name}`)) };
      throw guardsNotHere(release.agent, name);
    });
  const { input, output, answer } = release.guards;
  return {
    input: pick(input, here?.input),
    output: pick(output, here?.output),
    answer: pick(answer, here?.answer),
  };
}

export interface JudgedInput {
  readonly read: ReadAppend;
  readonly notes: readonly StageNote[];
  /** What the customer reads instead of an answer; null: the model is asked. */
  readonly reply: string | null;
  /** Messages that were withheld or changed, as they came: people may have to read them. */
  readonly originals: readonly string[];
}

/** What customers wrote, judged message by message. One that is blocked never reaches the model. */
export async function judgeInput(
  guards: Guards,
  ref: RunRef,
  read: ReadAppend,
  ask: AskYesNo,
): Promise<JudgedInput> {
  const notes: StageNote[] = [];
  const originals: string[] = [];
  let reply: string | null = null;
  const said: ReadAppend['said'][number][] = [];
  for (const one of read.said) {
    if (one.by !== 'user') {
      said.push(one);
      continue;
    }
    const judged = await runGuards(guards.input, { text: one.text, requester: ref.requester, ask });
    notes.push(...staged('input', judged.notes));
    const stopped = judged.stop !== null;
    if (stopped || judged.text !== one.text) originals.push(one.text);
    if (judged.stop?.kind === 'block') reply ??= judged.stop.reply;
    // A message has nobody who could repair it: what is not let through is withheld.
    else if (stopped) reply ??= WITHHELD_REPLY;
    said.push(stopped ? { by: 'holdfast', text: WITHHELD } : { ...one, text: judged.text });
  }
  return { read: { ...read, said }, notes, reply, originals };
}

const WITHHELD = notice('A message of the customer was withheld by a guard. You have not seen it.');
const WITHHELD_REPLY = 'I cannot take this message. Please write it in other words.';

/** An answer, judged before it goes out. */
export async function judgeAnswer(
  guards: Guards,
  ref: RunRef,
  answer: {
    readonly text: string;
    readonly system: string;
    readonly before: readonly Message[];
    readonly ask: AskYesNo;
  },
): Promise<Judgement & { readonly notes: readonly StageNote[] }> {
  const { text, system, before, ask } = answer;
  const said = saidBefore(system, before);
  const judged = await runGuards(guards.answer, { text, system, said, requester: ref.requester, ask });
  return { ...judged, notes: staged('answer', judged.notes) };
}

function staged(stage: GuardStage, notes: readonly GuardNote[]): readonly StageNote[] {
  return notes.map((note) => ({ stage, ...note }));
}

/** Who said what in a conversation. Notices, the application's facts among them, are the operator's. */
export function saidBefore(system: string, messages: readonly Message[]): readonly Said[] {
  const said: Said[] = [{ by: 'operator', text: system }];
  for (const { role, content } of messages)
    for (const block of content) {
      if (isToolResult(block)) said.push({ by: 'tool', text: block.content });
      else if (isText(block)) said.push({ by: speakerOf(role, block.text), text: block.text });
    }
  return said;
}

function speakerOf(role: Message['role'], text: string): Said['by'] {
  if (role === 'assistant') return 'assistant';
  return isNotice(text) ? 'operator' : 'user';
}

function isToolResult(block: ContentBlock): block is ToolResultBlock {
  return block.type === 'tool_result';
}
