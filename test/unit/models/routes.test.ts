import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { modelTiers } from '../../../src/core/release.ts';
import { legible } from '../../../src/models/request.ts';
import {
  isPassing,
  type ModelTries,
  mayPassRefusal,
  movesOn,
  orderChain,
} from '../../../src/models/routes.ts';

const CHAIN = ['a', 'b', 'c'];
const N = LIMITS.triesPerModel;
const tries = (model: string, failed: number, refused = 0): ModelTries => ({ model, failed, refused });

describe('which model is asked', () => {
  test.each<readonly [string, string | null, readonly ModelTries[], string]>([
    ['the preferred one first', null, [], 'abc'],
    ['a run stays on its fallback', 'b', [], 'bac'],
    ['a model that is no longer configured is forgotten', 'z', [], 'abc'],
    ['one failure less than the bound moves nothing', null, [tries('a', N - 1)], 'abc'],
    ['the bound moves on', null, [tries('a', N)], 'bca'],
    ['a fallback that fails gives way to the preferred one', 'b', [tries('b', N)], 'acb'],
    ['when all have failed, it begins anew', null, [tries('a', N), tries('b', N), tries('c', N)], 'abc'],
    ['and goes round', null, [tries('a', 2 * N), tries('b', N), tries('c', N)], 'bca'],
    ['a refusal moves on at once', null, [tries('a', 0, 1)], 'bca'],
  ])('%s', (_name, own, known, order) => {
    expect(orderChain(CHAIN, own, known).join('')).toBe(order);
  });

  test('a failed step is told whether it comes back to the same model', () => {
    expect(movesOn(CHAIN, null, [], 'a')).toBe(false);
    expect(movesOn(CHAIN, null, [tries('a', N - 1)], 'a')).toBe(true);
    expect(movesOn(['a'], null, [tries('a', 10)], 'a')).toBe(false);
  });

  test('a refusal is passed on once, and only where there is somebody else', () => {
    expect(mayPassRefusal(CHAIN, [tries('a', 3)])).toBe(true);
    expect(mayPassRefusal(CHAIN, [tries('a', 0, 1)])).toBe(false);
    expect(mayPassRefusal(['a'], [])).toBe(false);
  });

  test.each([
    'model_auth',
    'model_billing',
    'model_spend_limit',
    'model_not_found',
    'model_bad_request',
    'model_prefix_changed',
    'model_context_exceeded',
    'model_cancelled',
    'model_garbled',
    'bug',
  ] as const)('%s moves neither circuit nor run', (code) => {
    expect(isPassing(code)).toBe(false);
  });
});

test('tasks have tiers; last words go with the conversation', () => {
  expect(modelTiers()).toEqual({
    classify: 'small',
    plan: 'standard',
    act: 'standard',
    verify: 'small',
    land: 'standard',
  });
  expect(modelTiers({ act: 'deep' })).toMatchObject({ plan: 'deep', land: 'deep', classify: 'small' });
  expect(modelTiers({ act: 'deep', land: 'small' })).toMatchObject({ act: 'deep', land: 'small' });
});

describe('thinking stays with the model that thought it', () => {
  const content = [
    { type: 'thinking', thinking: 'hm', signature: 's' },
    { type: 'redacted_thinking', data: 'x' },
    { type: 'text', text: 'so' },
    { type: 'from_the_future', payload: 1 },
  ];
  const message = { role: 'assistant', content } as const;

  test('the same model gets the very same bytes', () => {
    expect(legible({ message, model: 'a' }, 'a')).toBe(message);
    expect(legible({ message, model: null }, 'b')).toBe(message);
  });

  test('another model gets everything else, and the chain keeps its own', () => {
    const before = JSON.stringify(message);
    expect(legible({ message, model: 'a' }, 'b').content).toEqual(content.slice(2));
    expect(JSON.stringify(message)).toBe(before);
  });
});
