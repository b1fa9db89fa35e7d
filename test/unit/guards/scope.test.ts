import { describe, expect, test } from 'vitest';
import { createRouter, type Intent, inScope } from '../../../src/guards/scope.ts';
import { measureScope } from '../../guards/scope.ts';
import { cpuMs, sharedFolder } from '../../guards/sharedData.ts';

const INTENTS: readonly Intent[] = [
  {
    name: 'refund',
    examples: `I want my money back
      please refund this order
      how do I get a refund
      when do I get my money back for the shoes
      the refund has not arrived yet
      can you refund the lamp that was broken
      money back please, the item is damaged
      refund to my credit card
      I returned the jacket and wait for the refund
      ich möchte mein Geld zurück
      wann kommt meine Erstattung`.split(/\n\s*/),
  },
  {
    name: 'delivery',
    examples: `where is my parcel
      when will my order arrive
      track my package
      the delivery is late
      my parcel has not arrived
      can I change the delivery address
      which carrier brings my package
      has my order been shipped
      the courier did not come
      wo ist mein Paket
      wann wird meine Bestellung geliefert`.split(/\n\s*/),
  },
  {
    name: 'password',
    examples: `I forgot my password
      reset my password
      cannot log in
      my account is locked
      change my password
      the login does not work
      I do not get the mail to reset my password
      how do I sign in again
      my login code does not work
      Passwort vergessen
      ich kann mich nicht anmelden`.split(/\n\s*/),
  },
];

describe('router', () => {
  const router = createRouter(INTENTS);

  test.each([
    ['hi, I still wait for the refund of the lamp', 'refund'],
    ['where is the package that I ordered last week?', 'delivery'],
    ['I forgot the password of my account', 'password'],
    ['Wo bleibt mein Paket?', 'delivery'],
    ['PLEASE RESET MY PASSWORD!!', 'password'],
    ['whеre is my pаrcel', 'delivery'],
  ])('%s goes to %s', (text, intent) => {
    const routed = router.route(text);
    expect(routed).toMatchObject({ intent });
    expect(routed.confidence).toBeGreaterThanOrEqual(0.5);
    expect(routed.alternatives[0]?.intent).toBe(intent);
    expect(inScope(router, text)).toBe(true);
  });

  test.each([
    'write a poem about the sea',
    'what is the capital of France',
    'solve x + 3 = 9',
    '',
    '???',
    '写一首诗',
    'qwertz uiop',
  ])('%s is out of scope', (text) => {
    expect(router.route(text)).toMatchObject({ intent: null });
    expect(router.route(text).confidence).toBeLessThan(0.5);
    expect(inScope(router, text)).toBe(false);
  });

  test('the same examples make the same router', () => {
    const again = createRouter(INTENTS);
    for (const { examples } of INTENTS)
      for (const text of examples) expect(again.route(text)).toEqual(router.route(text));
  });

  test('one intent alone is a scope: what is near its examples is in', () => {
    const only = createRouter([{ name: 'shop', examples: INTENTS.flatMap(({ examples }) => examples) }]);
    expect(inScope(only, 'where is my parcel with the shoes')).toBe(true);
    expect(inScope(only, 'who won the football match yesterday')).toBe(false);
  });

  test('examples of what is outside keep their like out', () => {
    const outside = [
      'where is my dog',
      'where is my phone',
      'where is my cat',
      'where is my brother',
      'my dog is lost',
    ];
    expect(inScope(createRouter(INTENTS, { outside }), 'where is my dog now')).toBe(false);
  });

  test.each([
    ['needs at least one intent', []],
    ['"empty" has no examples', [{ name: 'empty', examples: [] }]],
    ['the same name', [INTENTS[0], INTENTS[0]]],
    ['a sample is as good', [{ name: 'many', examples: Array.from({ length: 50_001 }, () => 'x') }]],
    ['group them', Array.from({ length: 1_001 }, (_, at) => ({ name: `i${at}`, examples: ['x'] }))],
  ])('says what is wrong: %s', (words, intents) => {
    expect(() => createRouter(intents.flatMap((one) => one ?? []))).toThrow(words);
  });

  test('a long text costs no more than what is read of it', () => {
    const text = 'where is my parcel '.repeat(50_000);
    const startedAtMs = cpuMs();
    expect(router.route(text).intent).toBe('delivery');
    expect(cpuMs() - startedAtMs).toBeLessThan(200);
  });
});

describe('measured', () => {
  test.runIf(sharedFolder('routing') !== null)(
    'requests that were not learned go where people said they belong',
    () => {
      const rows = measureScope(['banking77', 'clinc']) ?? [];
      const row = (set: string) => rows.find((one) => one.set === set);
      expect(row('banking77')?.accuracy).toBeGreaterThan(0.88);
      expect(row('clinc')?.accuracy).toBeGreaterThan(0.93);
      expect(row('clinc')?.falseRejections).toBeLessThan(0.07);
      expect(row('clinc')?.outsideRecall).toBeGreaterThan(0.8);
      for (const { msPerText } of rows) expect(msPerText).toBeLessThan(2);
    },
  );
});
