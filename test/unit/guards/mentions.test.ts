import { describe, expect, test } from 'vitest';
import { findMentions, type MentionKind } from '../../../src/guards/mentions.ts';

const short = (text: string) => findMentions(text).map(({ kind, text: value }) => `${kind} ${value}`);

describe('mentions', () => {
  test.each<readonly [MentionKind, string, string, string]>([
    ['order', 'Your order #W1234567 has shipped.', '#W1234567', 'w1234567'],
    ['order', 'I see order number 48213 here', '48213', '48213'],
    ['order', 'Shopify calls it #1001', '#1001', '1001'],
    ['order', '**#A-2291**', '#A-2291', 'a2291'],
    ['identifier', 'paid with card_123', 'card_123', 'card123'],
    ['identifier', 'transaction TX-99812 failed', 'TX-99812', 'tx99812'],
    ['identifier', 'item 8384507844 is in stock', '8384507844', '8384507844'],
    [
      'identifier',
      'id 5458a70b-c79d-483d-96ac-029107756ee9',
      '5458a70b-c79d-483d-96ac-029107756ee9',
      '5458a70bc79d483d96ac029107756ee9',
    ],
    ['identifier', 'UPS 1Z999AA10123456784', '1Z999AA10123456784', '1z999aa10123456784'],
    ['identifier', 'charge ch_3Nf8sK2eZvKYlo2C', 'ch_3Nf8sK2eZvKYlo2C', 'ch3nf8sk2ezvkylo2c'],
    [
      'identifier',
      'IBAN DE89 3704 0044 0532 0130 00',
      'DE89 3704 0044 0532 0130 00',
      'de89370400440532013000',
    ],
    ['identifier', 'card 4111 1111 1111 1111', '4111 1111 1111 1111', '4111111111111111'],
    ['identifier', 'ticket number: 412', '412', '412'],
    ['identifier', 'booking code ABXQRT', 'ABXQRT', 'abxqrt'],
    ['identifier', 'ZIP code 19122', '19122', '19122'],
    ['identifier', 'Springfield, PA 19122', '19122', '19122'],
    ['identifier', 'from 203.0.113.7', '203.0.113.7', '20301137'],
    ['ending', 'your Visa ending in 2478', '2478', '2478'],
    ['ending', 'card ****2478', '2478', '2478'],
    ['ending', 'card •••• 2478', '2478', '2478'],
    ['ending', 'the last four digits are 0042', '0042', '0042'],
    ['ending', 'Karte mit Endziffern 2478', '2478', '2478'],
    ['phone', 'Call +1 (212) 555-0199.', '+1 (212) 555-0199', '12125550199'],
    ['phone', '212.555.0199', '212.555.0199', '2125550199'],
    ['phone', 'Tel. 030 1234567', '030 1234567', '0301234567'],
    ['phone', 'dial 1-800-FLOWERS today', '1-800-FLOWERS', '1800flowers'],
    ['mail', 'write to Jo.Doe@Shop.example.', 'Jo.Doe@Shop.example', 'jo.doe@shop.example'],
    ['mail', 'on file: j***@shop.example', 'j***@shop.example', 'j***@shop.example'],
    [
      'link',
      'see https://www.Shop.example/Returns/?a=1#b.',
      'https://www.Shop.example/Returns/?a=1#b',
      'shop.example/Returns',
    ],
    ['link', 'visit www.shop.example, please', 'www.shop.example', 'shop.example'],
    ['link', '[here](https://shop.example/a)', 'https://shop.example/a', 'shop.example/a'],
    ['link', 'at shop.example/help today', 'shop.example/help', 'shop.example/help'],
    ['link', 'our site www.shop.com.They know', 'www.shop.com', 'shop.com'],
    ['amount', 'a fee of $1,234.50', '$1,234.50', '1234.50'],
    ['date', 'on 2024-05-12', '2024-05-12', '2024-05-12'],
    ['date', 'on May 12, 2024', 'May 12, 2024', 'may 12, 2024'],
    ['date', 'am 12.05.2024', '12.05.2024', '12.05.2024'],
    ['date', 'at 02:30:00', '02:30:00', '02:30:00'],
  ])('%s in "%s"', (kind, text, written, value) => {
    const [mention, ...more] = findMentions(text);
    expect(more).toEqual([]);
    expect(mention).toMatchObject({ kind, text: written, value });
    expect(text.slice(mention?.start, mention?.end)).toBe(written);
  });

  test.each([
    'Refunds take 5 to 7 business days, or 2-3 weeks.',
    'In 2024 we had 1,000,000 visitors and 100000 orders.',
    'A 13-inch laptop, 16GB, 512GB SSD, 1080p, 20000mAh, WPA3, iPhone-15 and ISO-27001.',
    'Exit code 137, HTTP status code 404, error code 500.',
    'Node.js, e.g. this one, i.e. that one. Done.Support will answer.',
    'Sizes 10 - 12 - 14 - 16, options 1) and 2).',
    'The warranty is ending in 2027.',
    '• 500 sheets\n• 250 pens',
    'Pi is 3.14159265.',
    'What is your order number?',
    '**2478** in bold',
  ])('nothing in: %s', (text) => {
    expect(short(text)).toEqual([]);
  });

  test('several in one text, in order, none inside another', () => {
    expect(
      short('Order #W77 is no order; #W7700012 for $5.00 on 05/24/2024 to a@b.example, call 212-555-0199'),
    ).toEqual([
      'order #W7700012',
      'amount $5.00',
      'date 05/24/2024',
      'mail a@b.example',
      'phone 212-555-0199',
    ]);
  });

  test('a word that hangs on an identifier is not part of it', () => {
    expect(short('"#W5056519_items": and #W5056519-related')).toEqual(['order #W5056519', 'order #W5056519']);
    expect(short('reference #W5056519-EX')).toEqual(['order #W5056519-EX']);
  });

  test('letters that look the same and characters nobody sees do not hide one; places are of the original text', () => {
    const text =
      'Order\u00a0#W\u200b123\uff14567, item ٣٨٤٥٠٧, card \u2018TX\u201199812\u2019, −$5.00, 𝟏𝟐𝟑𝟒𝟓𝟔𝟕';
    expect(findMentions(text).map(({ value }) => value)).toEqual([
      'w1234567',
      '384507',
      'tx99812',
      '5',
      '1234567',
    ]);
    for (const { start, end, text: written } of findMentions(text))
      expect(text.slice(start, end)).toBe(written);
  });
});
