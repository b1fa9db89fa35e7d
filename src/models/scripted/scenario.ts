import { z } from 'zod';
import type { Conversation } from './conversation.ts';

const MAX_STEPS = 1_000;
const times = z.exactOptional(z.int().min(1).max(1_000));
const afterEvents = z.exactOptional(z.int().min(0));
const milliseconds = z.int().min(0).max(600_000);
const tokens = z.exactOptional(z.int().min(0));
const characters = z
  .string()
  .refine((value) => !/\p{Surrogate}/u.test(value), 'must not hold half a character');
const words = characters.refine((value) => value.trim() !== '', 'must hold more than white space');
const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -');

const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    status: z.int().min(400).max(599),
    type: z.exactOptional(words),
    code: z.exactOptional(words),
    message: z.exactOptional(words),
    retryAfterSeconds: z.exactOptional(z.number().min(0)),
    times,
  }),
  z.strictObject({ kind: z.literal('cut'), afterEvents, times }),
  z.strictObject({ kind: z.literal('truncate'), afterEvents, times }),
  z.strictObject({ kind: z.literal('midstream_error'), type: words, afterEvents, times }),
  z.strictObject({ kind: z.literal('hang'), afterEvents, times }),
  z.strictObject({
    kind: z.literal('slow'),
    delayMs: milliseconds,
    at: z.exactOptional(z.enum(['start', 'events'])),
    times,
  }),
  z.strictObject({ kind: z.literal('reset'), afterEvents, times }),
  z.strictObject({
    kind: z.literal('drip'),
    what: z.enum(['pings', 'bytes']),
    everyMs: milliseconds,
    afterEvents,
    times,
  }),
  z.strictObject({ kind: z.literal('garbage'), afterEvents, times }),
  z.strictObject({ kind: z.literal('wrong_content_type'), times }),
  z.strictObject({ kind: z.literal('truncated_gzip'), times }),
]);

const sees = z.strictObject({
  text: z.exactOptional(words),
  results: z.exactOptional(
    z.array(
      z.strictObject({
        tool: toolName,
        isError: z.exactOptional(z.boolean()),
        contains: z.exactOptional(characters),
      }),
    ),
  ),
});

const says = z
  .strictObject({
    text: z.exactOptional(words),
    thinking: z.exactOptional(characters),
    calls: z.exactOptional(
      z.array(
        z.strictObject({
          id: z.exactOptional(z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/, 'must be letters, digits, _ or -')),
          name: toolName,
          input: z.union([characters, z.record(z.string(), z.json())]),
        }),
      ),
    ),
    stopReason: z.exactOptional(words),
  })
  .refine(
    (value) => value.text !== undefined || (value.calls?.length ?? 0) > 0 || value.stopReason !== undefined,
    'must hold a text, a call, or (for an empty answer) a stopReason',
  );

const step = z.strictObject({
  sees: z.exactOptional(sees),
  says,
  usage: z.exactOptional(
    z.strictObject({
      inputTokens: tokens,
      outputTokens: tokens,
      cacheWrite5mTokens: tokens,
      cacheWrite1hTokens: tokens,
      cacheReadTokens: tokens,
    }),
  ),
  delayMs: z.exactOptional(milliseconds),
  faults: z.exactOptional(z.array(fault)),
});

const conversation = z
  .strictObject({
    id: words,
    opening: words,
    steps: z.array(step).min(1).max(MAX_STEPS),
    landing: z.exactOptional(words),
  })
  .superRefine((value, context) => {
    const seen = new Set<string>();
    value.steps.forEach((each, index) => {
      each.says.calls?.forEach((call, position) => {
        if (call.id === undefined) return;
        if (seen.has(call.id))
          context.addIssue({
            code: 'custom',
            path: ['steps', index, 'says', 'calls', position, 'id'],
            message: `the id ${call.id} is used twice; the API demands unique ids`,
          });
        seen.add(call.id);
      });
    });
  });

/**
 * Reads one hand-written scenario (JSON in the shape of `Conversation`).
 *
 * Throws a TypeError that names the source, the path within it, and the rule that is broken.
 */
export function loadScenario(text: string, source: string): Conversation {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new TypeError(
      `scenario ${source}: not JSON (${error instanceof Error ? error.message : String(error)}); correct the file`,
      { cause: error },
    );
  }
  const result = conversation.safeParse(parsed);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${pathOf(issue.path)}: ${issue.message}`);
  throw new TypeError(`scenario ${source}: ${issues.slice(0, 10).join('; ')}`);
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? '$' : path.map(String).join('.');
}
