import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { reasonFor, type Source, seen, ungrounded } from '../../../src/guards/grounding.ts';

const tool = (value: unknown): Source => ({
  by: 'tool',
  text: typeof value === 'string' ? value : JSON.stringify(value),
});
const user = (text: string): Source => ({ by: 'user', text });
const operator = (text: string): Source => ({ by: 'operator', text });
const assistant = (text: string): Source => ({ by: 'assistant', text });

const unknown = (answer: string, ...sources: Source[]) =>
  ungrounded(answer, seen(sources)).map(({ text }) => text);

const ORDER = tool({
  order_id: '#W2378156',
  items: [
    { item_id: '1151293680', name: 'Keyboard', price: 272.33, quantity: 3 },
    { item_id: '4983901480', name: 'Thermostat', price: 262.47 },
  ],
  payment: { id: 'gift_card_7245904', card: { last_four: '2478' } },
  note: '{"tracking":"1Z 999 AA1 01"}',
  contact: { email: 'Mei.Davis8935@shop.example', phone: '+1 (415) 555-0123' },
  label: 'https:\\/\\/www.shop.example\\/labels\\/W2378156?size=a4',
});

describe('identifiers and addresses pass when somebody gave them', () => {
  test.each([
    'Your order #W2378156, also known as w2378156 or 2378156.',
    'Items 1151293680 and **4983901480**.',
    'Paid by gift card_7245904 (gift_card_7245904).',
    'The card ending in 2478; the gift card ending in 5904.',
    'We write to mei.davis8935@shop.example, or m***.*******35@shop.example.',
    'We call (415) 555-0123, 415.555.0123 or 1-415-555-0123. That is phone +14155550123.',
    'The label: http://shop.example/labels/W2378156/, on www.shop.example.',
  ])('%s', (answer) => {
    expect(unknown(answer, ORDER)).toEqual([]);
  });

  test.each([
    ['Your order is #W2378157.', '#W2378157'],
    ['Reference #W2378156-EX.', '#W2378156-EX'],
    ['Item 1151293681 is in stock.', '1151293681'],
    ['Paid by gift_card_7245905.', 'gift_card_7245905'],
    ['Paid by credit_card_7245904.', 'credit_card_7245904'],
    ['The card ending in 2479.', '2479'],
    ['We write to mei.davis@shop.example.', 'mei.davis@shop.example'],
    ['We write to x***@shop.example.', 'x***@shop.example'],
    ['Call (415) 555-0124.', '(415) 555-0124'],
    ['Call 1-800-555-0123.', '1-800-555-0123'],
    ['See https://shop.example/labels/W2378156/print.', 'https://shop.example/labels/W2378156/print'],
    ['See https://shop-example.com/labels.', 'https://shop-example.com/labels'],
  ])('and not when they are close to it: %s', (answer, value) => {
    expect(unknown(answer, ORDER)).toEqual([value]);
  });

  test('the user and the operator are sources, the agent itself is none', () => {
    const answer = 'It is order #W7654321 for $19.99.';
    expect(unknown(answer, user('my order w7654321 was $19.99'))).toEqual([]);
    expect(unknown(answer, operator('Order #W7654321 costs 19.99.'))).toEqual([]);
    expect(unknown(answer, assistant(answer))).toEqual(['#W7654321', '$19.99']);
  });

  test('however others write it: grouped, without letters, in other scripts, cut off in the middle of JSON', () => {
    expect(unknown('Card 4111111111111111', user('4111 1111 1111 1111'))).toEqual([]);
    expect(unknown('Card 4111 1111 1111 1111', user('4111111111111111'))).toEqual([]);
    expect(unknown('IBAN DE89370400440532013000', user('DE89 3704 0044 0532 0130 00'))).toEqual([]);
    expect(unknown('Order #W2378156', user('order 2378156'))).toEqual([]);
    expect(unknown('Order ٢٣٧٨١٥٦', user('order 2378156'))).toEqual([]);
    expect(unknown('Ring +49 30 1234567', tool('phone: 030 1234567'))).toEqual([]);
    expect(
      unknown('For 12,50 € you get TX\u201199812', tool('{"a":{"price":12.5,"id":"tx-99812","b":["')),
    ).toEqual([]);
    expect(unknown('The code: promo code SUMMER', user('is promo code summer valid?'))).toEqual([]);
  });

  test('an answer that shows how a number looks passes, one that states it does not', () => {
    expect(unknown('What is your order number? It looks like "#W0000000".')).toEqual([]);
    expect(unknown('Please share your order ID (e.g. #W1234567).')).toEqual([]);
    expect(unknown('Send me your tracking number, for example 1Z999AA10123456784?')).toEqual([]);
    expect(unknown('Your order #W1234567 has shipped.')).toEqual(['#W1234567']);
    expect(unknown('Orders such as #W8812047 were cancelled.')).toEqual(['#W8812047']);
  });
});

describe('amounts pass when they were given or follow from given ones', () => {
  test.each([
    'It costs $272.33, 272.33 USD, 272,33 € or 272.33 dollars.',
    'The difference is −$9.86.',
    'Both together: $534.80.',
    'Three keyboards cost $816.99.',
    'About $270 each; a fee of $0.00.',
    'Roughly $500 in all? No: 272.33 + 262.47 = $534.80.',
  ])('%s', (answer) => {
    // The last one rounds a sum, which is not supported: only its exact amounts pass.
    expect(unknown(answer, ORDER)).toEqual(answer.startsWith('Roughly') ? ['$500'] : []);
  });

  test.each([
    ['A restocking fee of $35.00 applies.', '$35.00'],
    ['It costs $273.33.', '$273.33'],
    ['"refund_amount": 535.80', '535.80'],
    ['You get 10 € back.', '10 €'],
    ['It costs $272.', '$272'],
  ])('and not when they are made up: %s', (answer, value) => {
    expect(unknown(answer, ORDER)).toEqual([value]);
  });

  test('percentages that were given, of amounts that were given', () => {
    const sources = [tool({ subtotal: 80, tax_rate: 0.08 }), user('I have a 15 % voucher')];
    expect(unknown('Tax $6.40, in all $86.40; with the voucher $68.00.', ...sources)).toEqual([]);
    expect(unknown('With 20 % off: $64.00.', ...sources)).toEqual(['$64.00']);
  });

  test('so many times an amount, when somebody says how many', () => {
    const price = tool({ unit_price: 12.5 });
    expect(unknown('For 7 of them that makes $87.50.', price)).toEqual([]);
    expect(unknown('That makes $87.50.', price)).toEqual(['$87.50']);
    expect(unknown('That makes $87.50.', price, user('How much are seven?'))).toEqual([]);
    expect(unknown('That is $90.25 a night for 4 nights.', tool({ total: 361 }))).toEqual([]);
  });

  test('cents where a service counts in cents', () => {
    expect(unknown('You paid $272.33.', tool({ amount: 27_233, currency: 'usd' }))).toEqual([]);
    expect(unknown('You paid $272.33.', tool({ amount_cents: 27_233 }))).toEqual([]);
    expect(unknown('You paid $272.33.', tool({ order_id: 27_233 }))).toEqual(['$272.33']);
  });

  test('a total of derived parts, a new balance after it, and a table that is written out', () => {
    const shop = [
      tool({ items: [{ price: 54.04 }, { price: 235.13 }, { price: 147.05 }] }),
      tool({ variants: { a: { price: 54.85 }, b: { price: 272.33 }, c: { price: 155.33 } } }),
      tool({ gift_card: { balance: 86.0 } }),
    ];
    const rows = '54.04 → $54.85: +$0.81; $235.13 → $272.33: +$37.20; $147.05 → $155.33: +$8.28.';
    expect(unknown(`${rows} Total $46.29. Balance after that: $39.71.`, ...shop)).toEqual([]);
    expect(unknown(`${rows} Total $47.29. Balance after that: $41.71.`, ...shop)).toEqual([
      '$47.29',
      '$41.71',
    ]);
  });

  test('one invention does not support another', () => {
    expect(unknown('A fee of $35.15 and shipping of $4.20, together $39.35.', ORDER)).toEqual([
      '$35.15',
      '$4.20',
      '$39.35',
    ]);
  });

  test('among very many given amounts an invented one is still found', () => {
    const variants = Array.from({ length: 150 }, (_, i) => ({ price: Math.round(4_000 + i * 313.7) / 100 }));
    expect(unknown('The fee is $17.77.', tool({ variants }))).toEqual(['$17.77']);
  });
});

describe('the reason', () => {
  test('names the values, quoted, each once, and says what to do', () => {
    const reason = reasonFor(ungrounded('Order #W9 … #W912 and #W912, $5.', seen([])));
    expect(reason).toContain('the order "#W912", the amount "$5"');
    // Whoever hands it on says that the answer was not sent.
    expect(reason).toMatch(/^It states/);
    expect(reason).toContain('Do not guess');
    expect(reason.match(/#W912/g)).toHaveLength(1);
  });

  test('is bounded, however many there are and however long they are', () => {
    const long = `https://shop.example/${'a'.repeat(1_500)}`;
    const many = Array.from({ length: 500 }, (_, i) => `#W${1_000 + i}`).join(' ');
    const reason = reasonFor(ungrounded(`${long} ${many}`, seen([])));
    expect(reason).toContain(`and ${501 - LIMITS.groundingNamed} more`);
    expect(reason.length).toBeLessThan(LIMITS.groundingNamed * (LIMITS.groundingNamedChars + 40) + 600);
  });
});

test('a text made to be slow is read to its end', { timeout: 20_000 }, () => {
  const pieces = [
    '1-',
    'W1_',
    '100 ',
    '$1,111,',
    'a.',
    '+1(1)',
    '***-',
    'x@',
    "1'111",
    '1/1/',
    'AB12 ',
    'order number is: ',
  ];
  for (const piece of pieces) {
    const text = piece.repeat(40_000 / piece.length);
    ungrounded(text, seen([tool(text), user(text)]));
  }
});

test('a thousand amounts against hundreds of given ones are judged within bounds', {
  timeout: 20_000,
}, () => {
  const given = Array.from({ length: 60 }, (_, i) =>
    tool({
      items: Array.from({ length: 8 }, (_, j) => ({ price: Math.round(i * 1_370 + j * 333 + 101) / 100 })),
    }),
  );
  const answer = Array.from({ length: 1_000 }, (_, i) => `$${(90_000.01 + i * 1.37).toFixed(2)}`).join(', ');
  expect(unknown(answer, ...given).length).toBeGreaterThan(900);
});
