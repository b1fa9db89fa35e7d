import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { isToolUse, type Message, textOf } from '../core/messages.ts';
import type { PinnedRelease, Release } from '../core/release.ts';
import { clipBytes, wellFormed } from '../core/text.ts';
import type { Guards } from '../guards/subjects.ts';
import type { ModelAnswer } from '../models/provider.ts';
import { type ChainNode, headOf, link } from '../store/chain.ts';
import type { SmallModel } from './askSmall.ts';
import { judgeAnswer, type StageNote } from './guarding.ts';
import type { Draft } from './modelRequest.ts';
import { traceThrough } from './origins.ts';
import { prepareCalls } from './prepare.ts';
import { privacyOf } from './privacy.ts';
import type { ActivityServices } from './services.ts';
import type { CallModelInput, CallModelResult, Preview } from './types.ts';

/** An answer, understood: what the workflow hears of it and what the store keeps. */
export interface Taken {
  readonly result: Extract<CallModelResult, { kind: 'answered' }>;
  readonly nodes: readonly ChainNode[];
  readonly blobs: readonly string[];
  readonly notes: readonly StageNote[];
  /** It is the turn's last word and goes out as it is. */
  readonly final: boolean;
}

/** What an answer is taken with. */
export interface Asked {
  readonly input: CallModelInput;
  readonly release: Release;
  readonly releaseHash: Hash;
  readonly pinned: PinnedRelease | null;
  readonly draft: Draft;
  /** The model that was asked, by its configured name. */
  readonly model: string;
  readonly guards: Guards;
  readonly small: SmallModel;
  /** What the call has taken so far, but for waiting for the store. */
  readonly activeMs: () => number;
  /** Of the answer itself and of what was lost for it. */
  readonly costMicroUsd: number;
}

/** Prepares the calls of an answer, links it to the conversation, and judges it where it would go out. */
export async function takeAnswer(
  services: ActivityServices,
  asked: Asked,
  answer: ModelAnswer,
): Promise<Taken> {
  const { input, release, releaseHash, draft } = asked;
  const blocks = answer.content.filter(isToolUse);
  const privacy = await privacyOf(services, input.agent, input.requester);
  const parent = draft.userNode === null ? input.head : headOf(draft.userNode);
  const node =
    answer.content.length === 0
      ? null
      : link(releaseHash, parent, { role: 'assistant', content: answer.content }, asked.model);
  const text = textOf(answer.content);
  const kept = node !== null && isKept(answer, text !== '', blocks.length > 0);
  const head = kept ? headOf(node) : parent;
  if (head === null) throw new Error(`run ${input.run}: step ${input.step} has nothing to answer`);
  // A call of an answer that is not in the conversation can have no result there either.
  const prepared = await prepareCalls(
    services,
    release,
    { ...input, release: releaseHash },
    kept ? blocks : [],
    answer.unparsable,
    { trace: traceThrough(release, input.run, draft.request.messages), privacy },
  );
  const goesOut = kept && text !== '' && blocks.length === 0 && isLast(answer.stopReason, input.purpose);
  const whole = goesOut ? [...piecesOf(draft.request.messages, input.pieces), text].join('') : '';
  // Our own words, in place of an answer that was never asked for, need no guard.
  const judged =
    goesOut && draft.reply === null
      ? await judgeAnswer(asked.guards, input, {
          text: whole,
          system: release.system,
          before: draft.request.messages,
          ask: asked.small.ask,
        })
      : { text: whole, notes: [], stop: null };
  const final = goesOut && judged.stop === null;
  const outgoing = privacy.secrets(judged.text);
  const masked: StageNote = { stage: 'answer', guard: 'secrets', kind: 'redact', why: 'it held a secret' };
  return {
    result: {
      kind: 'answered',
      head,
      stopReason: answer.stopReason,
      calls: prepared.map(({ call }) => call),
      usage: answer.usage,
      costMicroUsd: asked.costMicroUsd + asked.small.spentMicroUsd(),
      activeMs: asked.activeMs(),
      hasText: text !== '',
      preview: services.previews && !goesOut ? previewOf(privacy.personal(text)) : null,
      answer: services.previews && final ? previewOf(outgoing) : null,
      stopped: judged.stop,
      suspicious: draft.notes.some((note) => note.kind !== 'redact'),
      model: asked.model,
      pinned: asked.pinned,
    },
    nodes: [draft.userNode, node].filter((one): one is ChainNode => one !== null),
    blobs: [...prepared.map(({ args }) => args), ...draft.originals],
    notes: [...draft.notes, ...judged.notes, ...(outgoing === judged.text ? [] : [masked])],
    final,
  };
}

/** Whether nothing of the turn comes after this answer. */
function isLast(stopReason: string, purpose: CallModelInput['purpose']): boolean {
  return purpose === 'land' || (stopReason !== 'max_tokens' && stopReason !== 'pause_turn');
}

/** The newest answers, which were cut off: the beginning of what is to go out. */
function piecesOf(messages: readonly Message[], pieces: number): readonly string[] {
  if (pieces === 0) return [];
  return messages
    .filter(({ role }) => role === 'assistant')
    .slice(-pieces)
    .map(({ content }) => textOf(content));
}

/** Answers that must not become part of the conversation: empty ones, refusals, and those past the window. */
function isKept(answer: ModelAnswer, hasText: boolean, hasCalls: boolean): boolean {
  if (answer.stopReason === 'refusal' || answer.stopReason === 'model_context_window_exceeded') return false;
  return hasText || hasCalls || answer.stopReason === 'pause_turn';
}

function previewOf(text: string): Preview | null {
  if (text === '') return null;
  const clipped = clipBytes(wellFormed(text), LIMITS.previewBytes);
  return { text: clipped, truncated: clipped.length < text.length };
}
