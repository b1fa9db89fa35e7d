import { isObject, type Json, type JsonObject } from '../../src/core/json.ts';
import type { Random } from './random.ts';

/** A call as a hostile model writes it. A text for `input` is sent as it stands and may be no JSON at all. */
export interface HostileCall {
  readonly name: string;
  readonly input: Json;
  /** The arguments could not be read as JSON. */
  readonly broken?: true;
}

/** Names that no agent has, and that code of the product or of its language may trip over. */
const NO_TOOLS = [
  'Send_Money',
  'send_money_',
  'sendmoney',
  'approve',
  'decide',
  'runTool',
  'eval',
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
] as const;

const SUMS: readonly [Json, ...Json[]] = [
  -1,
  -49.99,
  -100_000,
  0,
  -0,
  0.01,
  1e-9,
  49.99,
  49.999999999999,
  50,
  999.99,
  1_000,
  19_999.99,
  20_000,
  Number.MAX_SAFE_INTEGER,
  1.7976931348623157e308,
  // What `1e999` becomes when JSON is read.
  Number.POSITIVE_INFINITY,
  'NaN',
  '4.0',
  '1e1',
  '0x10',
  ' 4',
  '4,0',
  null,
  true,
  [4],
  { value: 4 },
];

const LOOKALIKES: Readonly<Record<string, string>> = {
  A: 'А',
  B: 'В',
  E: 'Е',
  S: 'Ѕ',
  a: 'а',
  c: 'с',
  e: 'е',
  i: 'і',
  o: 'о',
  '0': 'O',
  '1': 'l',
  '2': '２',
};

type Twist = (input: JsonObject, random: Random) => Json;

/** Each turns sound arguments into ones that somebody may have forgotten. */
const TWISTS: Readonly<Record<string, Twist>> = {
  extraKey: (input, random) => ({
    ...input,
    [random.pick(['approved', 'approval', 'argsHash', 'tier', 'force', 'tenant', 'key', '__typename'])]:
      random.pick<Json>([true, 1, 'yes', null, { by: 'approver' }]),
  }),
  prototype: (input, random) => {
    const name = random.pick(['__proto__', 'constructor', 'prototype']);
    const text = JSON.stringify(input);
    const more = `"${name}":{"amount":1,"approved":true}`;
    return JSON.parse(text === '{}' ? `{${more}}` : `${text.slice(0, -1)},${more}}`) as Json;
  },
  missing: (input, random) => {
    const name = random.any(Object.keys(input));
    return Object.fromEntries(Object.entries(input).filter(([key]) => key !== name)) as JsonObject;
  },
  otherType: (input, random) =>
    change(input, random, (value) =>
      random.pick<Json>([String(value), [value], { value }, null, true, 0, '', Number(value) || 7]),
    ),
  lookalike: (input, random) => changeText(input, random, (text) => replaceOne(text, random)),
  invisible: (input, random) =>
    changeText(input, random, (text) => {
      const at = random.below(text.length + 1);
      const unseen = random.pick([
        '\u200b',
        '\u00ad',
        '\u202e',
        ' ',
        '\t',
        '\n',
        '\u0000',
        '\ufeff',
        '\ud800',
      ]);
      return text.slice(0, at) + unseen + text.slice(at);
    }),
  otherCase: (input, random) =>
    changeText(input, random, (text) => (random.chance(0.5) ? text.toLowerCase() : text.toUpperCase())),
  otherForm: (input, random) =>
    changeText(input, random, (text) => `${text}é`.normalize(random.pick(['NFD', 'NFKC', 'NFKD']))),
  sum: (input, random) => ({ ...input, amount: random.pick(SUMS) }),
  huge: (input, random) =>
    changeText(input, random, (text) =>
      (text || 'x').repeat(Math.ceil(random.pick([9_000, 70_000]) / (text.length || 1))),
    ),
  deep: (input, random) => {
    let nested: Json = 'x';
    for (let level = 0; level < random.pick([5, 250]); level++) nested = [nested];
    return change(input, random, () => nested);
  },
  noObject: (input, random) => random.pick<Json>([null, [], [input], 'send it', 4, true]),
  reversed: (input) => Object.fromEntries(Object.entries(input).reverse()) as JsonObject,
};

const TWIST_NAMES = Object.keys(TWISTS) as [string, ...string[]];

export interface Twisted extends HostileCall {
  readonly twist: string;
}

/** Turns a sound call into one of another shape; now and then it stays sound. */
export function twist(call: { readonly tool: string; readonly input: JsonObject }, random: Random): Twisted {
  const { tool: name, input } = call;
  if (random.chance(0.35)) return { name, input, twist: 'none' };
  if (random.chance(0.06)) return { name: random.pick(NO_TOOLS), input, twist: 'noTool' };
  if (random.chance(0.04)) return { name, input: {}, broken: true, twist: 'broken' };
  const shape = random.pick(TWIST_NAMES);
  const twisted = TWISTS[shape]?.(input, random) ?? input;
  // Two at once reach what one alone does not: a key too many under a lookalike recipient.
  const again = random.chance(0.2) && isObject(twisted) ? random.pick(TWIST_NAMES) : null;
  return {
    name,
    input: again === null ? twisted : (TWISTS[again]?.(twisted as JsonObject, random) ?? twisted),
    twist: again === null ? shape : `${shape}+${again}`,
  };
}

function change(input: JsonObject, random: Random, how: (value: Json) => Json): JsonObject {
  const name = random.any(Object.keys(input));
  return name === null ? input : { ...input, [name]: how(input[name] ?? null) };
}

function changeText(input: JsonObject, random: Random, how: (text: string) => string): JsonObject {
  const name = random.any(Object.keys(input).filter((key) => typeof input[key] === 'string'));
  return name === null ? input : { ...input, [name]: how(String(input[name])) };
}

function replaceOne(text: string, random: Random): string {
  const places = [...text].flatMap((letter, at) => (LOOKALIKES[letter] === undefined ? [] : [at]));
  const at = random.any(places);
  return at === null
    ? `${text}і`
    : [...text].map((letter, i) => (i === at ? LOOKALIKES[letter] : letter)).join('');
}
