import { readFileSync } from 'node:fs';
import { agent as support } from '../agents/support/index.ts';
import { type Conversation, loadScenario } from '../models/scripted/conversation.ts';
import { agent as patient } from './patientAgent.ts';

/** A conversation with a support agent that the scripted model knows by heart. */
export interface ScriptedConversation {
  readonly title: string;
  /** Who answers the customer. */
  readonly agent: string;
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
  agent: support.release.agent,
  customer: 'Mara',
  order: '#W7000103',
  ...lines('question'),
};

export const largeReturn: ScriptedConversation = {
  title: 'a return that needs approval',
  agent: support.release.agent,
  customer: 'Mara',
  order: '#W7000101',
  ...lines('return', 'Yes, please. The credit card is fine.'),
};

/** The same return in other words; its script goes on after a rejection. */
export const declinedReturn: ScriptedConversation = {
  title: 'a return that you reject',
  agent: support.release.agent,
  customer: 'Mara',
  order: '#W7000101',
  ...lines('return-declined', 'Yes, please. The credit card is fine.'),
};

/** Worth less than what people are asked about. */
export const smallReturn: ScriptedConversation = {
  title: 'a small return that needs no approval',
  agent: support.release.agent,
  customer: 'Gustavo',
  order: '#W7000162',
  ...lines('crash', 'Yes, please. Refund it to the card I paid with.'),
};

/** Worth enough to be asked about, and nobody is in a hurry. */
export const patientReturn: ScriptedConversation = {
  title: 'a return that waits three days for a yes',
  agent: patient.release.agent,
  customer: 'Priya',
  order: '#W7000151',
  ...lines('patience', 'Yes, please. Back to PayPal is fine.'),
};

/** All that the scripted model plays. */
export const conversations: readonly ScriptedConversation[] = [
  question,
  largeReturn,
  declinedReturn,
  smallReturn,
  patientReturn,
];

function lines(name: string, ...more: readonly string[]): Pick<ScriptedConversation, 'texts' | 'script'> {
  const file = `${name}.json`;
  const script = loadScenario(readFileSync(new URL(`./scenarios/${file}`, import.meta.url), 'utf8'), file);
  return { texts: [script.opening, ...more], script };
}
