import type { Mention, MentionKind } from '../../src/guards/mentions.ts';

export interface Planted {
  readonly text: string;
  /** The invented value as it is written in the text. */
  readonly value: string;
}

/** Numbers from 0 up to `below`, the same ones for the same seed (mulberry32). */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** The answer with one of its values replaced, everywhere it stands, by another that looks as good. */
export function alter(
  text: string,
  mentions: readonly Mention[],
  target: Mention,
  draw: (below: number) => number,
): Planted {
  const value = otherDigits(target, draw);
  const same = mentions.filter((one) => one.kind === target.kind && one.value === target.value);
  let altered = '';
  let from = 0;
  for (const one of same) {
    altered +=
      text.slice(from, one.start) +
      (one.text === target.text ? value : one.text.replace(/[\d.,]+/, /[\d.,]+/.exec(value)?.[0] ?? ''));
    from = one.end;
  }
  return { text: altered + text.slice(from), value };
}

/** One to three digits changed; a mail often gets other letters before its sign, a link another host. */
function otherDigits({ text, kind }: Mention, draw: (below: number) => number): string {
  if (kind === 'link')
    return text.replace(/^(\w+:\/\/)?[^/]*/, (_, scheme = '') => `${scheme}${HOSTS[draw(HOSTS.length)]}`);
  const places = [...text].flatMap((character, at) => (/\d/.test(character) ? [at] : []));
  if (places.length === 0 || (kind === 'mail' && draw(2) === 0))
    return text.replace(/^[^@]*/, `${NAMES[draw(NAMES.length)]}.${NAMES[draw(NAMES.length)]}`);
  let altered = text;
  while (altered === text)
    for (let changes = 1 + draw(3); changes > 0; changes--) {
      const at = places[draw(places.length)] ?? 0;
      altered =
        altered.slice(0, at) + String(at === places[0] ? 1 + draw(9) : draw(10)) + altered.slice(at + 1);
    }
  return altered;
}

const NAMES = ['billing', 'orders', 'maria', 'service', 'lee', 'returns', 'kim', 'help'] as const;
const HOSTS = [
  'returns-portal.com',
  'www.shop-help.org',
  'track.parcelway.net',
  'support.store.example',
] as const;
const digits = (count: number, draw: (below: number) => number) =>
  Array.from({ length: count }, (_, at) => (at === 0 ? 1 + draw(9) : draw(10))).join('');

/** Sentences that state a value of each kind, as a model makes them up. */
const SENTENCES: Readonly<
  Record<
    Exclude<MentionKind, 'date'>,
    readonly ((draw: (below: number) => number) => readonly [string, string])[]
  >
> = {
  order: [
    (draw) => ['Your replacement order is ', `#W${digits(7, draw)}`],
    (draw) => ['I also found order number ', digits(5, draw)],
  ],
  identifier: [
    (draw) => ['Your tracking number is ', `1Z${digits(6, draw)}A${digits(9, draw)}`],
    (draw) => ['Your case reference is ', `CS-${digits(5, draw)}`],
    (draw) => ['The refund was booked as ', `re_${digits(4, draw)}xK${digits(5, draw)}`],
  ],
  ending: [(draw) => ['The refund goes to your Visa ending in ', digits(4, draw)]],
  phone: [
    (draw) => ['You can also call us at ', `1-800-${digits(3, draw)}-${digits(4, draw)}`],
    (draw) => ['Our hotline: ', `+49 30 ${digits(4, draw)} ${digits(4, draw)}`],
    (draw) => ['Reach the warehouse at ', `(${digits(3, draw)}) ${digits(3, draw)}-${digits(4, draw)}`],
  ],
  mail: [(draw) => ['Write to ', `${NAMES[draw(8)]}@${HOSTS[draw(4)]?.replace('www.', '')}`]],
  link: [
    (draw) => ['Start the return at ', `https://${HOSTS[draw(4)]}/returns/${digits(4, draw)}`],
    (draw) => ['See ', `${HOSTS[draw(4)]}/policies/refunds`],
  ],
  amount: [
    (draw) => ['A restocking fee applies: ', `$${10 + draw(90)}.${10 + draw(90)}`],
    (draw) => ['You also receive a goodwill credit of ', `${100 + draw(900)},${10 + draw(90)} €`],
    (draw) => ['Shipping costs another ', `USD ${3 + draw(60)}.${10 + draw(90)}`],
  ],
};

/** The answer with a sentence that nobody's words support. */
export function add(
  text: string,
  kind: Exclude<MentionKind, 'date'>,
  draw: (below: number) => number,
): Planted {
  const sentences = SENTENCES[kind];
  const [words = '', value = ''] = sentences[draw(sentences.length)]?.(draw) ?? [];
  return { text: `${text}\n${words}${value}.`, value };
}
