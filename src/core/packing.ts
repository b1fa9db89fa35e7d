import { isObject, type Json } from './json.ts';
import { NO_USAGE } from './messages.ts';

/**
 * What crosses the border between workflow and activities stays in the history of a run, and most of a step is as usual:
 * no landing, no terms, nobody asked. What is as usual is left out on the way and put back at the other end.
 *
 * A usual value is part of what recorded histories mean: once a release lives by it, it never changes. A new field may have one.
 */
export interface Packed<Message> {
  readonly [packed]: Message;
}
declare const packed: unique symbol;

/** What is usual in a message and in the objects, or lists of objects, within it; with a `kind`, in those of that kind alone. */
export interface Shape {
  readonly usual: Readonly<Record<string, Json>>;
  readonly within?: Readonly<Record<string, Shape>>;
}

const NO_APPEND = { results: [], texts: [], remind: false };

const REQUESTER: Shape = { usual: { tenant: null, roles: [] } };

const CALL: Shape = {
  usual: {
    problem: null,
    amount: null,
    payee: null,
    classes: [],
    firstOf: [],
    learned: null,
    origins: [],
    terms: null,
  },
};

const TOOL_CALL = {
  input: {
    usual: { generation: 1, terms: null, classes: [], learned: null, approval: null },
    within: { requester: REQUESTER },
  },
  result: {
    usual: { kind: 'done', applied: false },
    within: { outcome: { usual: { kind: 'ran', status: 'success' } } },
  },
} as const satisfies Messages;

interface Messages {
  readonly input: Shape;
  readonly result: Shape;
}

/** The messages of the activities that a step is made of. */
export const PACKING = {
  callModel: {
    input: {
      usual: {
        purpose: 'act',
        head: null,
        append: NO_APPEND,
        release: null,
        channel: 'live',
        wantedLimits: {},
        context: null,
        extraTokens: 0,
        extraCostMicroUsd: 0,
        lastTotalTokens: 0,
        pieces: 0,
        model: null,
      },
      within: {
        requester: REQUESTER,
        append: {
          usual: NO_APPEND,
          within: { results: { usual: { isError: false, counted: null } } },
        },
      },
    },
    result: {
      usual: {
        kind: 'answered',
        stopReason: 'tool_use',
        calls: [],
        hasText: false,
        preview: null,
        answer: null,
        stopped: null,
        suspicious: false,
        pinned: null,
      },
      within: { calls: CALL, usage: { usual: { ...NO_USAGE } } },
    },
  },
  prepareCall: {
    input: { usual: { origins: [] }, within: { requester: REQUESTER } },
    result: CALL,
  },
  runTool: TOOL_CALL,
  closeEffect: TOOL_CALL,
} as const satisfies Record<string, Messages>;

export function pack<Message extends object>(shape: Shape, message: Message): Packed<Message> {
  return leaveOut(shape, message) as Packed<Message>;
}

export function unpack<Message extends object>(shape: Shape, message: Packed<Message>): Message {
  return putBack(shape, message) as Message;
}

function leaveOut(shape: Shape, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => leaveOut(shape, item));
  if (!isObject(value)) return value;
  const { usual, within } = shape;
  if ('kind' in usual && value.kind !== usual.kind) return value;
  const said: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (key in usual && isSame(member, usual[key])) continue;
    const inner = within?.[key];
    said[key] = inner === undefined ? member : leaveOut(inner, member);
  }
  return said;
}

function putBack(shape: Shape, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => putBack(shape, item));
  if (!isObject(value)) return value;
  const { usual, within } = shape;
  if ('kind' in usual && 'kind' in value) return value;
  const whole: Record<string, unknown> = { ...usual };
  for (const [key, member] of Object.entries(value)) {
    const inner = within?.[key];
    whole[key] = inner === undefined ? member : putBack(inner, member);
  }
  return whole;
}

/** Usual values are small: whatever is written differently is said. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  return typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b);
}
