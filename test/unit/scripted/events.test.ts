import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { Conversation } from '../../../src/models/scripted/conversation.ts';
import { splitText } from '../../../src/models/scripted/events.ts';
import { isJsonObject } from '../../../src/models/scripted/wire.ts';
import { ask, echo, open, resultsFor, sharedLines, TOOLS } from './helpers.ts';

const HELLO = { role: 'user' as const, content: 'hello' };
const LONG = 'A sentence that is long enough to come in several pieces, with é and 😀 in it.';

const TALK: Conversation = {
  id: 'talk',
  opening: 'hello',
  steps: [
    {
      says: {
        thinking: LONG,
        text: LONG,
        calls: [
          { name: 'look', input: { about: LONG } },
          { name: 'act', input: {} },
        ],
      },
    },
    { says: { text: LONG } },
  ],
};

interface Frame {
  readonly name: string;
  readonly data: JsonObject;
}

function framesOf(stream: string): Frame[] {
  return stream
    .trim()
    .split('\n\n')
    .map((frame) => {
      const match = /^event: (\w+)\ndata: (.*)$/.exec(frame);
      if (!match) throw new Error(`not a frame: ${frame.slice(0, 80)}`);
      return { name: match[1] ?? '', data: JSON.parse(match[2] ?? '') };
    });
}

async function streamOf(url: string, messages: Json): Promise<Frame[]> {
  const body = { model: 'claude-sonnet-5-5', max_tokens: 100, stream: true, tools: TOOLS, messages };
  const reply = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { authorization: 'Bearer scripted', 'anthropic-version': '2026-10-21' },
    body: JSON.stringify(body),
  });
  expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  return framesOf(await reply.text());
}

/** `content_block_delta:text_delta` and the like: what kind of event this is. */
function kindOf({ name, data }: Frame): string {
  const inner = data.delta ?? data.content_block;
  return isJsonObject(inner) && typeof inner.type === 'string' ? `${name}:${inner.type}` : name;
}

/** The paths of all members, values and list items left out. */
function pathsOf(value: Json, path = ''): string[] {
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => [
    `${path}${key}`,
    ...pathsOf(member, `${path}${key}.`),
  ]);
}

type Shapes = Map<string, { always: Set<string>; ever: Set<string> }>;

/** Kinds in order, a run of the same kind once. */
function orderOf(frames: readonly Frame[]): string[] {
  return frames.map(kindOf).filter((kind, index, all) => kind !== all[index - 1]);
}

/** The members that an event of each kind always has, and those it has at times. */
function shapesOf(streams: readonly (readonly Frame[])[]): Shapes {
  const shapes: Shapes = new Map();
  for (const frame of streams.flat()) {
    const paths = new Set(pathsOf(frame.data));
    const shape = shapes.get(kindOf(frame));
    if (!shape) shapes.set(kindOf(frame), { always: new Set(paths), ever: new Set(paths) });
    else {
      for (const path of shape.always) if (!paths.has(path)) shape.always.delete(path);
      for (const path of paths) shape.ever.add(path);
    }
  }
  return shapes;
}

describe('a stream', () => {
  test('tells its blocks one after the other, each in several pieces, and ends with cumulative usage', async () => {
    const { model } = await open([TALK]);
    const frames = await streamOf(model.url, [HELLO]);
    expect(orderOf(frames)).toEqual([
      'message_start',
      'content_block_start:thinking',
      'ping',
      'content_block_delta:thinking_delta',
      'content_block_delta:signature_delta',
      'content_block_stop',
      'content_block_start:text',
      'content_block_delta:text_delta',
      'content_block_stop',
      'content_block_start:tool_use',
      'content_block_delta:input_json_delta',
      'content_block_stop',
      'content_block_start:tool_use',
      'content_block_delta:input_json_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    for (const kind of ['thinking_delta', 'text_delta', 'input_json_delta'])
      expect(frames.filter((frame) => kindOf(frame).endsWith(kind)).length).toBeGreaterThan(2);
    const [start, end] = [frames[0], frames.at(-2)];
    expect(start?.data).toMatchObject({ message: { stop_reason: null, usage: { output_tokens: 1 } } });
    expect(end?.data).toMatchObject({
      delta: { stop_reason: 'tool_use' },
      usage: { output_tokens: expect.any(Number) },
    });
  });

  test('can be read back by the client without loss', async () => {
    const { client } = await open([TALK]);
    const first = await ask(client, [HELLO]);
    expect(first.content).toMatchObject([
      { thinking: LONG },
      { text: LONG },
      { input: { about: LONG } },
      { name: 'act', input: {} },
    ]);
    const second = await ask(client, [HELLO, echo(first), resultsFor(first, 'ok')]);
    expect(second.content).toEqual([{ type: 'text', text: LONG, citations: null }]);
  });
});

test('pieces of a text join to the text, hold whole characters, and are few', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (value) => {
      const pieces = splitText(value);
      expect(pieces.join('')).toBe(value);
      expect(pieces.length).toBeLessThanOrEqual(16);
      for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}/u);
    }),
  );
});

/**
 * Where our streams may differ from the recorded ones, which were made with an older version of the API. The types of
 * the client for version 2026-10-21 demand each of these members.
 */
const NEWER_MEMBERS = [
  'message.container',
  'message.diagnostics',
  'message.usage.output_tokens_details',
  'message.usage.output_tokens_details.thinking_tokens',
  'message.usage.server_tool_use',
  'message.usage.speed',
  'delta.container',
  // Recorded only where the model thought or searched; we always have the members, null when there is nothing to say.
  'usage.output_tokens_details',
  'usage.output_tokens_details.thinking_tokens',
  'usage.server_tool_use',
];

/** Recorded members that we never have, because we have no such content. */
const OTHER_MEMBERS = ['usage.server_tool_use.web_search_requests'];

function differencesOf(ours: Shapes, theirs: Shapes): string[] {
  return [...ours].flatMap(([kind, shape]) => {
    const known = theirs.get(kind);
    if (!known) return [`${kind} is not recorded`];
    const added = [...shape.ever].filter((path) => !known.ever.has(path) && !NEWER_MEMBERS.includes(path));
    const lost = [...known.ever].filter((path) => !shape.ever.has(path) && !OTHER_MEMBERS.includes(path));
    const loose = [...known.always].filter((path) => shape.ever.has(path) && !shape.always.has(path));
    return [
      ...added.map((path) => `${kind}: ${path} is ours only`),
      ...lost.map((path) => `${kind}: ${path} is recorded only`),
      ...loose.map((path) => `${kind}: ${path} is always recorded, but not always ours`),
    ];
  });
}

test('the comparison finds an unknown kind, a member too many, one that is missing, and one at times missing', () => {
  const ping = (...data: JsonObject[]): Shapes =>
    shapesOf([data.map((each) => ({ name: 'ping', data: each }))]);
  const recorded = ping({ a: { b: 1 } }, { a: { b: 2 }, c: 3 });
  expect(differencesOf(recorded, recorded)).toEqual([]);
  expect(differencesOf(recorded, new Map())).toEqual(['ping is not recorded']);
  expect(differencesOf(ping({ a: { b: 1 }, c: 1, d: 1 }), recorded)).toEqual(['ping: d is ours only']);
  expect(differencesOf(ping({ a: { b: 1 } }), recorded)).toEqual(['ping: c is recorded only']);
  expect(differencesOf(ping({ a: { b: 1 }, c: 1 }, { a: {}, c: 1 }), recorded)).toEqual([
    'ping: a.b is always recorded, but not always ours',
  ]);
});

describe('compared with recorded streams of the API', () => {
  const lines = sharedLines('wire/llm-anthropic.decoded.jsonl');

  test.runIf(lines !== null)('every event has the same members, but for a named list', async () => {
    const recorded = (lines ?? []).map((line) => framesOf((JSON.parse(line) as { body: string }).body));
    expect(recorded).toHaveLength(27);
    const { model, client } = await open([TALK]);
    const first = await ask(client, [HELLO]);
    const second = [HELLO, echo(first), resultsFor(first, 'ok')] as unknown as Json;
    const ours = shapesOf([await streamOf(model.url, [HELLO]), await streamOf(model.url, second)]);
    const theirs = shapesOf(recorded);
    expect(differencesOf(ours, theirs)).toEqual([]);
    // Every kind but those of citations and of tools that run at the vendor's.
    expect(ours.size).toBe(12);
  });

  test.runIf(lines !== null)('the order of events around a block is one that is recorded', async () => {
    const followers = (streams: readonly (readonly Frame[])[]): Set<string> =>
      new Set(
        streams.flatMap((frames) =>
          orderOf(frames).map((kind, i, all) => `${all[i - 1] ?? 'start'} > ${kind}`),
        ),
      );
    const recorded = followers(
      (lines ?? []).map((line) => framesOf((JSON.parse(line) as { body: string }).body)),
    );
    const { model } = await open([TALK]);
    const ours = followers([await streamOf(model.url, [HELLO])]);
    expect([...ours].filter((pair) => !recorded.has(pair))).toEqual([]);
  });
});
