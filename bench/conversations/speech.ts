import type { Conversation } from '../../src/models/scripted/conversation.ts';
import { drawLogNormal, type LogNormal, randomFor } from '../live/random.ts';

// What is said in the conversations, and how long everybody takes for it. All of it is drawn from the seed and the
// conversation's number alone, so that the model's process and the customers' agree without a word between them.

/**
 * A hosted model of the middle size, as public measurements of 2025 and 2026 give it: about a second to the first
 * token with a tail of several, 60 to 80 tokens a second. Both vary from call to call, hence drawn for each.
 */
const FIRST_TOKEN_MS: LogNormal = { median: 900, sigma: 0.5 };
const TOKENS_PER_SECOND: LogNormal = { median: 70, sigma: 0.25 };
/** An answer is three or four sentences, a call of a tool some forty tokens. */
const ANSWER_TOKENS: LogNormal = { median: 90, sigma: 0.6 };
const CALL_TOKENS: LogNormal = { median: 40, sigma: 0.3 };
const ANSWER_TOKENS_MAX = 600;
const WORDS_PER_TOKEN = 0.75;

/** Silent reading of English (Brysbaert 2019), and typing on phones (Palin and others 2019). */
const WORDS_READ_PER_MINUTE = 238;
const WORDS_TYPED_PER_MINUTE = 36;
const MESSAGE_WORDS: LogNormal = { median: 12, sigma: 0.5 };
const MESSAGE_WORDS_MAX = 80;

/** Which turns call a tool before they answer: a read, nothing, an effect, nothing. */
const TURNS = ['look_up', null, 'write_down', null] as const;

export interface Turn {
  readonly text: string;
  readonly answer: string;
  readonly tool: (typeof TURNS)[number];
  /** How long the model takes for each of its answers in this turn. */
  readonly modelMs: readonly number[];
  /** Before the customer says this: reading the last answer, and typing. */
  readonly thinkMs: number;
}

export interface Speech {
  readonly seed: number;
  /** Everybody, models and customers, is so many times as fast. */
  readonly hurry: number;
  /** So many conversations, the first ones, are under way already: beginnings and ends are spread from the start. */
  readonly joined: number;
}

/** All turns of this conversation; of one that is joined those that are left, the first after what is left of its pause. */
export function turnsOf({ joined, ...speech }: Speech, conversation: number): readonly Turn[] {
  const random = randomFor(speech.seed, 'conversation', conversation);
  const all = drawTurns(random, speech);
  const { from, thinkMs } =
    conversation < joined
      ? placeIn(all, randomFor(speech.seed, 'joins', conversation)())
      : { from: 0, thinkMs: all[0]?.thinkMs ?? 0 };
  // The script is found by its first words, so they say which conversation this is.
  return all
    .slice(from)
    .map((turn, i) =>
      i > 0 ? turn : { ...turn, thinkMs, text: `This is about matter ${conversation}. ${turn.text}` },
    );
}

function drawTurns(random: () => number, { hurry }: Pick<Speech, 'hurry'>): readonly Turn[] {
  let wordsToRead = 0;
  return TURNS.map((tool): Turn => {
    const words = Math.max(3, Math.min(MESSAGE_WORDS_MAX, Math.round(drawLogNormal(random, MESSAGE_WORDS))));
    const thinkMs = (60_000 * (wordsToRead / WORDS_READ_PER_MINUTE + words / WORDS_TYPED_PER_MINUTE)) / hurry;
    const answerTokens = Math.min(ANSWER_TOKENS_MAX, drawLogNormal(random, ANSWER_TOKENS));
    const tokens = [...(tool === null ? [] : [drawLogNormal(random, CALL_TOKENS)]), answerTokens];
    wordsToRead = Math.ceil(answerTokens * WORDS_PER_TOKEN);
    return {
      tool,
      text: prose(random, ASKED, words),
      answer: prose(random, ANSWERED, wordsToRead),
      modelMs: tokens.map((count) => Math.round(modelMs(random, count) / hurry)),
      thinkMs,
    };
  });
}

/** Where a conversation is after this share of its time: which turn is next, and how long its pause still takes. */
function placeIn(turns: readonly Turn[], share: number): { readonly from: number; readonly thinkMs: number } {
  let leftMs = share * turns.reduce((sum, turn) => sum + lengthOf(turn), 0);
  for (const [from, turn] of turns.entries()) {
    if (leftMs < lengthOf(turn)) return { from, thinkMs: Math.max(0, turn.thinkMs - leftMs) };
    leftMs -= lengthOf(turn);
  }
  return { from: 0, thinkMs: turns[0]?.thinkMs ?? 0 };
}

function lengthOf({ thinkMs, modelMs }: Turn): number {
  return modelMs.reduce((sum, ms) => sum + ms, thinkMs);
}

const SAMPLE = 500;

/** Of a customer's time the share in which the run is open: all of it but what is typed before the first message. */
export function openShare(speech: Omit<Speech, 'joined'>): number {
  const sample = Array.from({ length: SAMPLE }, (_, i) => turnsOf({ ...speech, joined: 0 }, i));
  const allMs = sample.flat().reduce((sum, turn) => sum + lengthOf(turn), 0);
  const closedMs = sample.reduce((sum, [first]) => sum + (first?.thinkMs ?? 0), 0);
  return 1 - closedMs / allMs;
}

/** What the scripted model says in this conversation, without its delays. */
export function scriptOf(speech: Speech, conversation: number): Conversation {
  const turns = turnsOf(speech, conversation);
  return {
    id: `conversation ${conversation}`,
    opening: turns[0]?.text ?? '',
    steps: turns.flatMap(({ tool, answer, modelMs: [first = 0, second = 0] }, turn) => [
      ...(tool === null
        ? []
        : [{ delayMs: first, says: { calls: [{ name: tool, input: { what: `matter ${turn}` } }] } }]),
      { delayMs: tool === null ? first : second, says: { text: answer } },
    ]),
  };
}

function modelMs(random: () => number, tokens: number): number {
  return drawLogNormal(random, FIRST_TOKEN_MS) + (1_000 * tokens) / drawLogNormal(random, TOKENS_PER_SECOND);
}

function prose(random: () => number, sentences: readonly string[], words: number): string {
  const said: string[] = [];
  for (let count = 0; count < words; ) {
    const sentence = sentences[Math.floor(random() * sentences.length)] ?? '';
    said.push(sentence);
    count += sentence.split(' ').length;
  }
  return said.join(' ');
}

const ASKED = [
  'Could you please look into it for me?',
  'I would like to know where it is by now.',
  'It should have been here before the weekend.',
  'My neighbour was at home all day.',
  'Is there anything that I have to do?',
  'Please write that down for later.',
  'Nobody has told me anything so far.',
];
const ANSWERED = [
  'I have looked into it and everything is in order.',
  'The parcel has left the warehouse and is on its way to you.',
  'The carrier usually rings the bell and leaves a card when nobody opens.',
  'You do not have to do anything for now.',
  'If it does not arrive soon, please write to me again and I will have a look at it.',
  'I have noted what you said, so that my colleagues can see it as well.',
  'Thank you for your patience, and please excuse the trouble.',
  'Whatever else you would like to know, just ask me.',
];
