import { readFileSync } from 'node:fs';
import { type Conversation, loadScenario } from '../models/scripted/conversation.ts';

/** A conversation with the support agent that the scripted model knows by heart. */
export interface ScriptedConversation {
  readonly title: string;
  /** How the customer is called on the screen. */
  readonly customer: string;
  /** The order it is about. */
  readonly order: string;
  /** The customer's lines, whichever model answers. The first one is the opening of the script. */
  readonly texts: readonly string[];
  readonly script: Conversation;
}

/** Said once more where a model asks back another time: these customers know what they want. */
export const NUDGE = 'Yes, please go ahead.';

export const question: ScriptedConversation = {
  title: 'a question about an order',
  customer: 'Mara',
  order: '#W7000103',
  ...lines('question'),
};

export const largeReturn: ScriptedConversation = {
  title: 'a return that needs approval',
  customer: 'Mara',
  order: '#W7000101',
  ...lines('return', 'Yes, please. The credit card is fine.'),
};

/** The same return in other words; its script goes on after a rejection. */
export const declinedReturn: ScriptedConversation = {
  title: 'a return that you reject',
  customer: 'Mara',
  order: '#W7000101',
  ...lines('return-declined', 'Yes, please. The credit card is fine.'),
};

/** Worth less than what people are asked about. */
export const smallReturn: ScriptedConversation = {
  title: 'a small return that needs no approval',
  customer: 'Gustavo',
  order: '#W7000162',
  ...lines('crash', 'Yes, please. Refund it to the card I paid with.'),
};

/** All that the scripted model plays. */
export const conversations: readonly ScriptedConversation[] = [
  question,
  largeReturn,
  declinedReturn,
  smallReturn,
];

function lines(name: string, ...more: readonly string[]): Pick<ScriptedConversation, 'texts' | 'script'> {
  const file = `${name}.json`;
  const script = loadScenario(readFileSync(new URL(`./scenarios/${file}`, import.meta.url), 'utf8'), file);
  return { texts: [script.opening, ...more], script };
}
