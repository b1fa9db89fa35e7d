import type { MessageParam } from '@anthropic-ai/sdk/resources/messages';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { promptTokens } from '../../../src/core/messages.ts';
import { openPromptCache, tokensOf } from '../../../src/models/scripted/cache.ts';
import { chainPrefix } from '../../../src/models/scripted/prefix.ts';
import { readRequest } from '../../../src/models/scripted/wire.ts';
import { echo, open, TOOLS } from './helpers.ts';

const marker = { type: 'ephemeral' as const };

function chainOf(texts: readonly { readonly text: string; readonly ttl?: '5m' | '1h' }[]) {
  const content = texts.map(({ text, ttl }) => ({
    type: 'text',
    text,
    ...(ttl === undefined ? {} : { cache_control: { type: 'ephemeral', ttl } }),
  }));
  return chainPrefix(readRequest({ model: 'm', messages: [{ role: 'user', content }] }));
}

describe('the prompt cache', () => {
  test('writes a marked prefix, reads it the next time, and charges what follows', () => {
    const cache = openPromptCache();
    const first = chainOf([{ text: 'a'.repeat(400), ttl: '5m' }, { text: 'b' }]);
    const written = cache.price('m', first);
    expect(written.cacheReadTokens).toBe(0);
    expect(written.cacheWrite5mTokens).toBe(tokensOf(first[0]?.bytes ?? 0));
    cache.remember('m', first);
    const read = cache.price('m', first);
    expect(read).toEqual({ ...written, cacheWrite5mTokens: 0, cacheReadTokens: written.cacheWrite5mTokens });
    expect(cache.price('another', first)).toEqual(written);
  });

  test('reads what stood under an older marker up to 20 blocks before the new one, and no further', () => {
    const cache = openPromptCache();
    cache.remember('m', chainOf([{ text: 'first', ttl: '5m' }]));
    const grown = (more: number) =>
      chainOf([
        { text: 'first' },
        ...Array.from({ length: more }, (_, index) =>
          index === more - 1 ? { text: `${index}`, ttl: '5m' as const } : { text: `${index}` },
        ),
      ]);
    expect(cache.price('m', grown(19)).cacheReadTokens).toBeGreaterThan(0);
    expect(cache.price('m', grown(20)).cacheReadTokens).toBe(0);
  });

  test('adds up to the whole prompt, whatever is marked and remembered', () => {
    const ttl = fc.constantFrom('5m' as const, '1h' as const, undefined);
    const block = fc.record({ text: fc.string({ minLength: 1 }), ttl });
    fc.assert(
      fc.property(
        fc.array(fc.array(block, { minLength: 1, maxLength: 30 }), { maxLength: 5 }),
        (requests) => {
          const cache = openPromptCache();
          for (const request of requests) {
            const chain = chainOf(
              request.map(({ text, ttl: kept }) => (kept ? { text, ttl: kept } : { text })),
            );
            const before = cache.price('m', chain);
            expect(promptTokens(before)).toBe(tokensOf(chain.at(-1)?.bytes ?? 0));
            for (const tokens of Object.values(before)) expect(tokens).toBeGreaterThanOrEqual(0);
            cache.remember('m', chain);
            const after = cache.price('m', chain);
            expect([after.cacheWrite5mTokens, after.cacheWrite1hTokens]).toEqual([0, 0]);
            expect(after.inputTokens).toBe(before.inputTokens);
          }
        },
      ),
    );
  });
});

test('the real client sees writes, then reads, of tools and system', async () => {
  const { client } = await open([
    { id: 'c', opening: 'hello', steps: [{ says: { text: 'One.' } }, { says: { text: 'Two.' } }] },
  ]);
  const params = (messages: MessageParam[]) => ({
    model: 'claude-sonnet-5-5',
    max_tokens: 10,
    tools: TOOLS,
    system: [
      {
        type: 'text' as const,
        text: 'You help. '.repeat(50),
        cache_control: { ...marker, ttl: '1h' as const },
      },
    ],
    cache_control: marker,
    messages,
  });
  const opening: MessageParam = { role: 'user', content: 'hello' };
  const first = await client.messages.stream(params([opening])).finalMessage();
  expect(first.usage.cache_read_input_tokens).toBe(0);
  expect(first.usage.cache_creation?.ephemeral_1h_input_tokens).toBeGreaterThan(100);
  expect(first.usage.cache_creation?.ephemeral_5m_input_tokens).toBeGreaterThan(0);
  expect(first.usage.input_tokens).toBe(0);

  const next = params([opening, echo(first), { role: 'user', content: 'more' }]);
  const second = await client.messages.stream(next).finalMessage();
  const { cache_creation_input_tokens: written } = first.usage;
  expect(second.usage.cache_read_input_tokens).toBe(written);
  expect(second.usage.cache_creation_input_tokens).toBeGreaterThan(0);

  const { max_tokens: _, ...countable } = next;
  const counted = await client.messages.countTokens(countable);
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens } = second.usage;
  expect(counted.input_tokens).toBe(
    input_tokens + (cache_creation_input_tokens ?? 0) + (cache_read_input_tokens ?? 0),
  );
});

test('a request for no tokens only fills the cache', async () => {
  const { client } = await open([{ id: 'c', opening: 'hello', steps: [{ says: { text: 'One.' } }] }]);
  const params = {
    model: 'claude-sonnet-5-5',
    cache_control: marker,
    messages: [{ role: 'user' as const, content: 'hello' }],
  };
  const warmed = await client.messages.create({ ...params, max_tokens: 0 });
  expect([warmed.content, warmed.usage.output_tokens]).toEqual([[], 0]);
  const answer = await client.messages.create({ ...params, max_tokens: 10 });
  expect(answer.usage.cache_read_input_tokens).toBe(warmed.usage.cache_creation_input_tokens);
});

test('usage written in the script is reported as it stands', async () => {
  const usage = { inputTokens: 7, cacheWrite1hTokens: 5, cacheReadTokens: 3 };
  const { client } = await open([{ id: 'c', opening: 'hello', steps: [{ says: { text: 'One.' }, usage }] }]);
  const params = {
    model: 'claude-sonnet-5-5',
    max_tokens: 10,
    messages: [{ role: 'user' as const, content: 'hello' }],
  };
  const answer = await client.messages.stream(params).finalMessage();
  expect(answer.usage).toMatchObject({
    input_tokens: 7,
    output_tokens: 0,
    cache_creation_input_tokens: 5,
    cache_read_input_tokens: 3,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 5 },
  });
});
