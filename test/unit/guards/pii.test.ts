import { describe, expect, test } from 'vitest';
import { findPii, type Known } from '../../../src/guards/pii.ts';
import { mask, mergeSpans, SPAN_TYPES, type Span } from '../../../src/guards/spans.ts';

function found(text: string, known?: Known): readonly string[] {
  return findPii(text, known).map(({ type, start, end }) => `${type}: ${text.slice(start, end)}`);
}

describe('mail, cards, accounts, numbers of the state and of machines', () => {
  test.each([
    ['write to ada.lovelace+news@mail.example.co.uk.', 'mail: ada.lovelace+news@mail.example.co.uk'],
    ['<mailto:søren@bücher.example>', 'mail: søren@bücher.example'],
    ['GET /u?mail=ada%40example.org&x=1', 'mail: ada%40example.org'],
    ['{"to":"line\\nada@example.org"}', 'mail: ada@example.org'],
    ['charge 4111 1111 1111 1111, exp 12/29', 'card: 4111 1111 1111 1111'],
    ['3782-822463-10005 is my Amex', 'card: 3782-822463-10005'],
    ['my debit card 501800000009 is gone', 'card: 501800000009'],
    ['GB82 WEST 1234 5698 7654 32 please', 'iban: GB82 WEST 1234 5698 7654 32'],
    ['konto de89370400440532013000.', 'iban: de89370400440532013000'],
    ['my IBAN: GB00WEST12345698765432', 'iban: GB00WEST12345698765432'],
    ['SSN 536-90-4399', 'ssn: 536-90-4399'],
    ['social security number is 536904399.', 'ssn: 536904399'],
    ['from 203.0.113.77:8080', 'ip: 203.0.113.77'],
    ['via 2001:db8::8a2e:370:7334', 'ip: 2001:db8::8a2e:370:7334'],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual([expected]);
  });
});

const PHONES = [
  '+1 212 555 0143',
  '(212) 555-0143',
  '(212)555-0143x77',
  '001-212-555-0143x5184',
  '020 7946 0958',
  '+44 (0)7700 900123',
  '030/901820',
  '06.12.34.56.78',
  '+46 (0)157 548 89',
  '69 987 88 37',
  '+81 3-1234-5678',
  '8 (495) 123-45-67',
  '+12125550143',
];

test.each(PHONES)('the telephone number %s is found by its shape', (phone) => {
  expect(found(`The number ${phone} was given.`)).toEqual([`phone: ${phone}`]);
});

test.each(['5550143', '2125550143', '555 0143', '612 345 678', '98 76 54 32'])(
  'the digits %s are a telephone number where the text says so',
  (digits) => {
    expect(found(`Please call me at ${digits}`)).toEqual([`phone: ${digits}`]);
    expect(found(`{"phone": "${digits}"}`)).toEqual([`phone: ${digits}`]);
    expect(found(`item ${digits.replace(/ /g, '')} is out of stock`)).toEqual([]);
  },
);

const STREETS = [
  '44 Grey Street',
  '2617 Frosty Lane',
  '98 New Road',
  'Hauptstraße 8',
  'Motzstr. 20',
  '3 rue du Général Ailleret',
  "97, Chemin d'Ouchy",
  'C/ Manuel Iradier 31',
  'Avda. Los llanos 53',
  'Via Nazario Sauro 12',
  'Rua Vinte e Cinco 512',
  'ul. 3 Maja 12',
  'Dózsa György út 38',
  'Östbygatan 8',
  'Rolighedsvej 30',
  'Mechelininkatu 5',
  'Luite tee 87',
  'Kapelaniestraat 490',
  'улица Ленина 5',
  'Λεωφόρος Κηφισίας 44',
  'Jalan Merdeka 10',
];

describe('addresses', () => {
  test.each(STREETS)('%s', (street) => {
    expect(found(`The parcel went to ${street}, yesterday.`)).toEqual([`address: ${street}`]);
  });

  test.each(STREETS)('%s, in a block with unit, town and postcode', (street) => {
    const address = `${street}\nApt. 12\nSpringfield\n\nCanada 12345`;
    expect(found(`Jo Doe\n\n${address}\nPhone: none`)).toEqual([`address: ${address}`]);
    expect(found(`jo doe\n\n${address}\nphone: none`.toLowerCase())).toEqual([
      `address: ${address.toLowerCase()}`,
    ]);
  });

  test.each([
    ['I live at Pikk 12 now', 'Pikk 12'],
    ['we live on 17. listopadu 5', '17. listopadu 5'],
    ['Send it to P.O. Box 149, Dallas, TX 75201 please', 'P.O. Box 149, Dallas, TX 75201'],
    ['Meet me at PSC 1437, Box 3833\nAPO AA 66791.', 'PSC 1437, Box 3833\nAPO AA 66791'],
    ['Mail: USNS Mercy\nFPO AP 93757', 'USNS Mercy\nFPO AP 93757'],
    ['at the corner of 5 Elm Street and Oak Road.', 'the corner of 5 Elm Street and Oak Road'],
    ['My flat: Suite 501', 'Suite 501'],
    ['ZIP: 7412 SL', '7412 SL'],
    ['10 Downing Street, London SW1A 2AA, UK is known', '10 Downing Street, London SW1A 2AA, UK'],
    ['Address: Flat B, 23/4 Sector 7, MG Marg\nok', 'Flat B, 23/4 Sector 7, MG Marg'],
    ['{"address1":"763 Broadway","x":1}', '763 Broadway'],
    ['pick me up at 4823 Magasinsgatan 7', '4823 Magasinsgatan 7'],
  ])('%s', (text, expected) => {
    expect(found(text)).toEqual([`address: ${expected}`]);
  });

  test('numbers before a street are no telephone number, and a telephone number is no postcode', () => {
    expect(found('taxi to 0269 2202 Rissik St')).toEqual(['address: 0269 2202 Rissik St']);
    expect(found('12 Elm Street, Springfield\n69 987 88 37 office')).toEqual([
      'address: 12 Elm Street, Springfield',
      'phone: 69 987 88 37',
    ]);
  });
});

const HARMLESS = [
  'Order #W1234567890 shipped, item_id 9523456873, 2 of 3',
  '2024-05-15T10:22:33.123Z, 15.05.2024 10:22, 12/05/2024, 1716890123456',
  '1,234,567.89 USD, 1.234.567,89 EUR, 1 234 567,00, 10 000 000',
  'version 10.15.7.1 at 127.0.0.1:7233, v1.2.3.4, 0x7fff5fbff8c0',
  'id 550e8400-e29b-41d4-a716-446655440000, sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b',
  'Chapter 12, Section 5, Windows 11, iPhone 15, Boeing 747 at Gate 12, Star Wars 7',
  'In May 2024 sales rose 5% in 12 stores. Am 3. Oktober 2023 um 10 Uhr, le 14 juillet 1789.',
  'World War 2 ended in 1945. She is 25. Michael is 30. Step 3: Open Settings.',
  'We have 3 Mountain Bikes and 2 Road Bikes; a 10 minute drive, a 2 way street.',
  'send 100 dollars from checking to savings',
  'Error: at Object.run (/app/src/index.js:12:34), HTTP 500 Internal Server Error',
  'tokens: input 1200 output 340, run_01HV3K9ZJ4 took 1204 ms',
  'a card of 4111 1111 1111 1112 fails its check',
];

test.each(HARMLESS)('nothing is personal in: %s', (text) => {
  expect(found(text)).toEqual([]);
});

describe('what the record of the requester says', () => {
  const known: Known = {
    names: ['Zoë Marie van der Berg', 'Will Grant', 'Bo', '李小龙'],
    mails: ['zoe@localhost'],
    phones: ['+31 20 794 0123'],
    addresses: ['Upper Barn, Little Hampden'],
  };

  test.each([
    ['ZOE called', ['name: ZOE']],
    ['Ms. Berg-Jansen and Marie', ['name: Berg', 'name: Marie']],
    ['Zoë Marie van der Berg', ['name: Zoë Marie van der Berg']],
    ['Zoe\u0308 wrote', ['name: Zoe\u0308']],
    ['user zoe_berg_1234', ['name: zoe_berg']],
    ['Will Grant wrote', ['name: Will Grant']],
    ['ask Bo, not the bo tree', ['name: Bo']],
    ['我是李小龙吗', ['name: 李小龙']],
    ['李小龙 wrote', ['name: 李小龙']],
    ['to ZOE@LOCALHOST', ['mail: ZOE@LOCALHOST']],
    ['0207940123 and 31207940123', ['phone: 0207940123', 'phone: 31207940123']],
    ['upper barn\nLittle Hampden', ['address: upper barn\nLittle Hampden']],
  ])('%s', (text, expected) => {
    expect(found(text, known)).toEqual(expected);
  });

  test.each(['I will grant the van a may', 'the Bergen line', 'under a marieke tree'])(
    'words that only look like parts of a name stay: %s',
    (text) => {
      expect(found(text, known)).toEqual([]);
    },
  );

  test('an empty record, and one of blanks, find nothing', () => {
    expect(found('a b c', { names: [], mails: [], phones: [], addresses: [] })).toEqual([]);
    expect(found('a b c', { names: ['', ' '], mails: [''], phones: ['-'], addresses: [' '] })).toEqual([]);
  });
});

describe('spans', () => {
  test('are sorted, apart, and lose no character', () => {
    const spans: Span[] = [
      { type: 'name', start: 0, end: 10 },
      { type: 'mail', start: 4, end: 6 },
      { type: 'name', start: 8, end: 12 },
      { type: 'secret', start: 20, end: 20 },
    ];
    expect(mergeSpans(spans)).toEqual([
      { type: 'name', start: 0, end: 4 },
      { type: 'mail', start: 4, end: 6 },
      { type: 'name', start: 6, end: 12 },
    ]);
  });

  test('merging any spans covers the same characters, each once', () => {
    let seed = 20_240_611;
    const next = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    for (let round = 0; round < 500; round++) {
      const spans = Array.from({ length: next(12) }, (): Span => {
        const start = next(40);
        return { type: SPAN_TYPES[next(SPAN_TYPES.length)] ?? 'name', start, end: start + next(10) };
      });
      const covers = (list: readonly Span[], at: number) =>
        list.filter(({ start, end }) => start <= at && at < end);
      const merged = mergeSpans(spans);
      for (let at = 0; at < 50; at++)
        expect(covers(merged, at).length, `round ${round}, at ${at}`).toBe(
          covers(spans, at).length > 0 ? 1 : 0,
        );
      expect([...merged].sort((one, other) => one.start - other.start)).toEqual(merged);
    }
  });

  test('mask puts a marker for each', () => {
    const text = 'ada@example.org called +1 212 555 0143';
    expect(mask(text, findPii(text))).toBe('[mail] called [phone]');
  });
});
