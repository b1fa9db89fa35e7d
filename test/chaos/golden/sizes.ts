import { LIMITS } from '../../../src/core/limits.ts';
import type { StartInput } from '../../../src/core/start.ts';
import { lengthGuard } from '../../../src/guards/answerGuards.ts';
import type { Guards } from '../../../src/guards/subjects.ts';
import type { Conversation } from '../../../src/models/scripted/conversation.ts';
import type { Agent } from '../../../src/tools/agent.ts';
import { success, type ToolResult } from '../../../src/tools/result.ts';
import { call, effectTool, labAgent, readTool, say, script } from '../../e2e/labAgent.ts';
import { randomOf } from '../../hostile/random.ts';

const MIB = 1024 * 1024;

/**
 * What a size is of: a result of a look-up or of a deed, the arguments of a call, a first message, an answer of an agent
 * without a limit for it, an answer of one with the usual limit.
 */
export const SIZED = ['result', 'deed', 'arguments', 'message', 'answer', 'guarded answer'] as const;
export type Sized = (typeof SIZED)[number];

export interface SizeCase {
  readonly what: Sized;
  readonly bytes: number;
  /** It is refused, in words that say why. */
  readonly refused: boolean;
}

const around = (limit: number) => [limit - 1, limit, limit + 1];

/** Each limit that a text may meet on its way, one byte below, at it, and one above. */
const SIZES: Readonly<Record<Sized, { readonly max: number; readonly bytes: readonly number[] }>> = {
  result: {
    max: LIMITS.resultBytes,
    bytes: [
      ...around(LIMITS.inlineResultBytes),
      ...around(LIMITS.payloadSoftBytes),
      ...around(LIMITS.payloadHardBytes),
      ...around(2 * MIB),
      ...around(4 * MIB),
      ...around(LIMITS.resultBytes),
      10 * MIB,
    ],
  },
  deed: {
    max: LIMITS.resultBytes,
    bytes: [LIMITS.inlineResultBytes + 1, 2 * MIB + 1, LIMITS.resultBytes + 1, 10 * MIB],
  },
  arguments: { max: LIMITS.argumentsBytes, bytes: [...around(LIMITS.argumentsBytes), 2 * MIB + 1] },
  message: {
    max: LIMITS.messageBytes,
    bytes: [...around(LIMITS.inlineMessageBytes), ...around(LIMITS.messageBytes)],
  },
  answer: {
    max: Number.POSITIVE_INFINITY,
    bytes: [
      ...around(LIMITS.previewBytes),
      ...around(LIMITS.payloadSoftBytes),
      ...around(LIMITS.payloadHardBytes),
      2 * MIB + 1,
      10 * MIB,
    ],
  },
  'guarded answer': { max: LIMITS.answerChars, bytes: [...around(LIMITS.answerChars), 2 * MIB + 1] },
};

export const SIZE_CASES: readonly SizeCase[] = SIZED.flatMap((what) =>
  SIZES[what].bytes.map((bytes) => ({ what, bytes, refused: bytes > SIZES[what].max })),
);

/** In quick: the most that passes, the least and the most that does not, and what is just too much for an engine. */
export const QUICK_SIZE_CASES: readonly SizeCase[] = SIZED.flatMap((what) => {
  const own = SIZE_CASES.filter((one) => one.what === what);
  const passing = own.filter(({ refused }) => !refused);
  const refused = own.filter((one) => one.refused);
  const beyondEngine = own.filter(({ bytes }) => bytes === 2 * MIB + 1);
  return [...new Set([...passing.slice(-2), ...refused.slice(0, 1), ...refused.slice(-1), ...beyondEngine])];
});

/** Words without meaning that are not the same all over: what repeats itself is no message. */
export function filler(bytes: number): string {
  const random = randomOf(bytes);
  const parts: string[] = [];
  for (let length = 0; length <= bytes; ) {
    const word = random
      .below(26 ** 5)
      .toString(26)
      .replace(/[0-9]/g, (digit) => 'qrstuvwxyz'[Number(digit)] ?? '');
    parts.push(word);
    length += word.length + 1;
  }
  return parts.join(' ').slice(0, bytes).replace(/ $/, '.');
}

/** JSON puts a text in quotation marks. */
const quoted = (bytes: number) => filler(bytes - 2);
/** `{"what":"…"}` */
const asArguments = (bytes: number) => filler(bytes - 11);

const emits = ({ what }: { readonly what: string }): ToolResult => success(quoted(Number(what)));

export const ROOMY = {
  tokensPerRun: 100_000_000,
  costMicroUsdPerRun: 1_000_000_000,
  maxOutputTokens: 64_000,
} as const;

/** The agents of these runs: nothing but the sizes stops them, and of an answer not even that, or nothing else. */
export function sizesAgents(): readonly Agent[] {
  return [sizesAgent('sizes', []), sizesAgent('guarded-sizes', [lengthGuard()])];
}

function sizesAgent(name: string, answer: Guards['answer']): Agent {
  return labAgent(
    [
      readTool('emit', emits, { timeoutMs: 10_000 }),
      readTool('take', ({ what }) => success(`taken ${what.length}`)),
      effectTool(
        'act_emit',
        async (input, { idempotencyKey }) => {
          await fetch(`${process.env.PAYMENTS_URL}/honours`, {
            method: 'POST',
            headers: { 'idempotency-key': idempotencyKey },
          });
          return emits(input);
        },
        { timeoutMs: 10_000, touches: 'external' },
      ),
    ],
    { name, limits: ROOMY, guards: { answer } },
  );
}

/** The first message of a case: for messages the size is its own. */
export function openingOf({ what, bytes }: SizeCase): string {
  return what === 'message' ? filler(bytes) : `${what} ${bytes}`;
}

export function startOfSize(one: SizeCase): StartInput {
  const agent = one.what === 'guarded answer' ? 'guarded-sizes' : 'sizes';
  return { v: 1, agent, message: openingOf(one), requester: { id: 'mara' }, once: true };
}

export function conversationOfSize(one: SizeCase): Conversation {
  const opening = openingOf(one);
  const usage = { inputTokens: 1_000, outputTokens: 100 };
  const steps = {
    result: () => [call('emit', String(one.bytes)), say('It is read.')],
    deed: () => [call('act_emit', String(one.bytes)), say('It is done.')],
    arguments: () => [call('take', asArguments(one.bytes)), say('It is taken.')],
    message: () => [say('It is heard.')],
    answer: () => [say(filler(one.bytes))],
    'guarded answer': () => [say(filler(one.bytes)), ...(one.refused ? [say('It is short now.')] : [])],
  }[one.what]();
  return {
    ...script(
      `${one.what} ${one.bytes}`,
      steps.map((step) => ({ ...step, usage })),
    ),
    opening,
  };
}
