import { createHash } from 'node:crypto';
import type { Hash } from '../core/ids.ts';
import { canonicalJson } from '../core/json.ts';

/** SHA-256 of the text's UTF-8 bytes. */
export function hashText(text: string): Hash {
  return createHash('sha256').update(text, 'utf8').digest('hex') as Hash;
}

/** SHA-256 of the value's canonical JSON: equal values, equal hash. */
export function hashJson(value: unknown): Hash {
  return hashText(canonicalJson(value));
}

/** A node of the conversation chain: bound to everything before it. */
export function hashNode(parent: string, body: string): Hash {
  return hashText(`${parent}\n${body}`);
}
