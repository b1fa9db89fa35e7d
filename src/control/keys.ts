import { createSecretKey, type KeyObject } from 'node:crypto';
import { LIMITS } from '../core/limits.ts';

/** Keys that sign and verify what people say: the first signs, all verify. They never print what they are. */
export type DecisionKeys = readonly [KeyObject, ...KeyObject[]];

export type ParsedKeys =
  | { readonly kind: 'ok'; readonly keys: DecisionKeys }
  | { readonly kind: 'bad'; readonly problem: string };

/**
 * Reads HOLDFAST_DECISION_KEY: one key, or several separated by white space while a new one takes over. A problem is
 * told without a character of the key.
 */
export function parseDecisionKeys(text: string): ParsedKeys {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const short = words.findIndex((word) => word.length < LIMITS.decisionKeyChars);
  if (short >= 0)
    return bad(
      `key ${short + 1} of ${words.length} has ${words[short]?.length} characters: a key has at least ${LIMITS.decisionKeyChars}, such as "openssl rand -hex 32" makes`,
    );
  if (words.length > LIMITS.decisionKeys)
    return bad(`there are ${words.length} keys, at most ${LIMITS.decisionKeys} may be valid at a time`);
  const [first, ...others] = words.map((word) => createSecretKey(Buffer.from(word, 'utf8')));
  return first === undefined ? bad('there is no key in it') : { kind: 'ok', keys: [first, ...others] };
}

function bad(problem: string): ParsedKeys {
  return { kind: 'bad', problem };
}
