import { describe, expect, test } from 'vitest';
import { keptOrigins, originsOf, traceThrough } from '../../../src/activities/origins.ts';
import { runIdFromUuid } from '../../../src/core/ids.ts';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { ContentBlock, Message } from '../../../src/core/messages.ts';
import type { Origin, SensitiveField } from '../../../src/core/provenance.ts';
import { fenced } from '../../../src/guards/fence.ts';
import { labAgent, readTool } from '../../e2e/labAgent.ts';

const RUN = runIdFromUuid('01234567-89ab-cdef-0123-456789abcdef');
const { release } = labAgent([readTool('look'), readTool('read_file', undefined, { returns: 'untrusted' })], {
  asksPeople: true,
  goal: 'Write to desk@operator.example.',
});

const user = (...texts: readonly string[]): Message => ({
  role: 'user',
  content: texts.map((text) => ({ type: 'text', text })),
});
const asked = (name: string, input: Json = {}): Message => ({
  role: 'assistant',
  content: [{ type: 'tool_use', id: `id_${name}`, name, input }],
});
const answered = (name: string, content: string, isError = false): Message => ({
  role: 'user',
  content: [{ type: 'tool_result', tool_use_id: `id_${name}`, content, is_error: isError } as ContentBlock],
});
const stranger = (text: string) => fenced(text, { run: RUN, tool: 'read_file' });

const TO: SensitiveField = { field: 'to', kind: 'recipient' };
const traced = (to: Json, ...messages: readonly Message[]) => {
  const [origin] = originsOf([TO], { to }, { to }, traceThrough(release, RUN, messages));
  return origin && `${origin.from} ${origin.tool}`;
};

describe('whose words a message holds', () => {
  const evil = 'EVIL99887766';
  test.each<readonly [string, string, readonly Message[]]>([
    ['user null', 'the customer', [user(`to ${evil}`)]],
    ['trusted look', 'a trusted tool', [user('hi'), asked('look'), answered('look', `{"a":"${evil}"}`)]],
    [
      'untrusted read_file',
      'an untrusted tool',
      [user('hi'), asked('read_file'), answered('read_file', stranger(evil))],
    ],
    [
      'untrusted read_file',
      'a page of its result',
      [user('hi'), asked('read_result'), answered('read_result', stranger(JSON.stringify({ text: evil })))],
    ],
    [
      'untrusted read_file',
      'what it says as it fails',
      [asked('read_file'), answered('read_file', stranger(evil), true)],
    ],
    ['untrusted read_file', 'its words without a fence', [asked('read_file'), answered('read_file', evil)]],
    [
      'person null',
      'a colleague',
      [asked('ask_person', { question: `to ${evil}?` }), answered('ask_person', evil)],
    ],
    ['untrusted null', 'a tool that is not there', [asked('gone'), answered('gone', evil)]],
    [
      'unknown null',
      'the model itself',
      [user('hi'), { role: 'assistant', content: [{ type: 'text', text: evil }] }],
    ],
    [
      'unknown null',
      'a refusal that repeats the model',
      [asked('read_file', { what: evil }), answered('read_file', `Not run. ${evil} does not fit.`, true)],
    ],
    [
      'unknown null',
      'a refusal of a tool that the model made up',
      [asked(evil), answered(evil, `Not run. There is no tool "${evil}".`, true)],
    ],
    [
      'unknown null',
      'an echo of a trusted tool',
      [asked('look', { what: evil }), answered('look', `seen ${evil}`)],
    ],
  ])('%s: %s', (origin, _name, messages) => {
    expect(traced(evil, ...messages)).toBe(origin);
  });

  test('the operator: prompt, facts from the application, the reminder', () => {
    expect(traced('desk@operator.example', user('hi'))).toBe('operator null');
    expect(
      traced(
        'acc-778899',
        user('hi', '<notice>\nFacts from the application: {"account":"acc-778899"}\n</notice>'),
      ),
    ).toBe('operator null');
  });

  test('the laundering of a planted value through tools that are trusted fails', () => {
    const messages = [
      user('file it'),
      asked('read_file'),
      answered('read_file', stranger(`to ${evil}`)),
      asked('look', { what: `note ${evil}` }),
      answered('look', `seen note ${evil}`),
    ];
    expect(traced(evil, ...messages)).toBe('untrusted read_file');
    expect(traced(evil, ...messages, user(`yes, to ${evil}`))).toBe('user null');
  });
});

describe('each sensitive argument has the origin of its worst value', () => {
  const fields: readonly SensitiveField[] = [
    { field: 'items[].to', kind: 'recipient' },
    { field: 'tags[]', kind: 'path' },
    { field: 'deep.er.sum', kind: 'amount' },
    { field: 'note', kind: 'url' },
  ];
  const input: JsonObject = {
    items: [{ to: 'anna' }, { to: 'mallory' }, { to: 'nobody' }],
    tags: ['a.txt', 'b.txt'],
    deep: { er: { sum: 5 } },
    note: null,
  };
  const messages = [
    user('to anna, 5 dollars, a.txt and b.txt'),
    asked('read_file'),
    answered('read_file', stranger('mallory')),
  ];

  test('by the path to it; nothing where there is no value', () => {
    expect(originsOf(fields, input, input, traceThrough(release, RUN, messages))).toEqual([
      { field: 'items[1].to', kind: 'recipient', from: 'untrusted', tool: 'read_file' },
      { field: 'tags[0]', kind: 'path', from: 'user', tool: null },
      { field: 'deep.er.sum', kind: 'amount', from: 'user', tool: null },
    ]);
  });

  test('what the model left out came from the default', () => {
    const trace = traceThrough(release, RUN, messages);
    expect(originsOf([TO], { to: 'house' }, {}, trace)).toEqual([{ ...TO, from: 'operator', tool: null }]);
    expect(originsOf([TO], { to: 'house' }, { to: 'house' }, trace)[0]?.from).toBe('unknown');
  });

  test('prepared again, what is the same has the same origin, and what was edited came from the person', () => {
    const kept = (before: JsonObject, now: JsonObject, origins: readonly Origin[]) =>
      keptOrigins([TO, { field: 'sum', kind: 'amount' }], now, { input: before, origins }).map(
        ({ from }) => from,
      );
    const origins: readonly Origin[] = [
      { ...TO, from: 'untrusted', tool: 'read_file' },
      { field: 'sum', kind: 'amount', from: 'user', tool: null },
    ];
    const before = { to: 'mallory', sum: 5 };
    expect(keptOrigins([TO], before, { input: before, origins })).toEqual([origins[0]]);
    expect(kept(before, { to: 'anna', sum: 5 }, origins)).toEqual(['person', 'user']);
    expect(kept(before, { to: 'mallory', sum: 4 }, origins)).toEqual(['untrusted', 'person']);
    const list = [{ field: 'to[]', kind: 'recipient' }] as const;
    const worst = [{ field: 'to[1]', kind: 'recipient', from: 'untrusted', tool: 'read_file' }] as const;
    const both = { to: ['anna', 'mallory'] };
    expect(keptOrigins(list, both, { input: both, origins: worst })).toEqual(worst);
    // An origin that was never traced is not a good one.
    expect(kept(before, before, [])).toEqual(['unknown', 'unknown']);
  });
});
