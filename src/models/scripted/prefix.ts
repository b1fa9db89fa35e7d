import { createHash, createHmac } from 'node:crypto';
import { canonicalJson, type Json } from '../../core/json.ts';
import { bare, type CacheTtl, text, ttlOf, type WireRequest } from './wire.ts';

/**
 * A request as a chain: tools, then system, then message blocks, the order in which the API caches. Each link's
 * digest covers everything up to and including it, cache markers left out, so one digest names one prefix.
 */
export interface PrefixLink {
  readonly digest: string;
  /** UTF-8 bytes of the canonical JSON up to and including this link. */
  readonly bytes: number;
  /** Index into `messages`; -1 for tools and system. */
  readonly message: number;
  /** Set where the client put a cache marker. */
  readonly ttl: CacheTtl | null;
}

const EMPTY_PREFIX = createHash('sha256').update('empty prefix').digest('hex');

/** Not a secret: it only keeps a client from making up signatures by accident, across restarts of the server. */
const SIGNING_KEY = 'scripted model thinking signature';

export function chainPrefix(request: WireRequest): readonly PrefixLink[] {
  const links: PrefixLink[] = [];
  let digest = EMPTY_PREFIX;
  let bytes = 0;
  const add = (value: Json, message: number, ttl: CacheTtl | null): void => {
    const line = canonicalJson(value);
    digest = createHash('sha256').update(digest).update(line).digest('hex');
    bytes += Buffer.byteLength(line);
    links.push({ digest, bytes, message, ttl });
  };
  for (const tool of request.tools) add(['tool', bare(tool)], -1, ttlOf(tool));
  for (const block of request.system) add(['system', bare(block)], -1, ttlOf(block));
  request.messages.forEach((message, index) => {
    for (const block of message.content) add([index, message.role, bare(block)], index, ttlOf(block));
  });
  const last = links.at(-1);
  if (last && request.lastBlockTtl !== null && last.ttl === null)
    links[links.length - 1] = { ...last, ttl: request.lastBlockTtl };
  return links;
}

/** The digest of everything that stands before a message. */
export function digestBefore(chain: readonly PrefixLink[], message: number): string {
  return chain.findLast((link) => link.message < message)?.digest ?? EMPTY_PREFIX;
}

/** Who thinks, and after what. */
export interface Thinker {
  readonly model: string;
  readonly prefixDigest: string;
}

/** Three parts in base64: one binds the prefix, one the thinking text, one the model, so that a refusal can say which changed. */
export function signThinking({ model, prefixDigest }: Thinker, thinking: string): string {
  return Buffer.concat([
    hmac(`prefix ${prefixDigest}`),
    hmac(`thinking ${thinking}`),
    hmac(`model ${model}`),
  ]).toString('base64');
}

/** What is wrong with the thinking blocks of the history, in the API's words; null when all are as they were. */
export function signatureProblem(request: WireRequest, chain: readonly PrefixLink[]): string | null {
  for (const [index, message] of request.messages.entries()) {
    for (const [position, block] of message.content.entries()) {
      if (block.type !== 'thinking') continue;
      const at = `messages.${index}.content.${position}`;
      const signature = Buffer.from(text(block.signature), 'base64');
      if (signature.length !== 96) return `${at}: Invalid \`signature\` in \`thinking\` block`;
      if (!signature.subarray(32, 64).equals(hmac(`thinking ${text(block.thinking)}`)))
        return `${at}: \`thinking\` blocks cannot be modified; they must remain as they were in the original response`;
      if (!signature.subarray(64).equals(hmac(`model ${request.model}`)))
        return `${at}: this \`thinking\` block was produced by another model than ${request.model}; leave it out`;
      if (!signature.subarray(0, 32).equals(hmac(`prefix ${digestBefore(chain, index)}`)))
        return `${at}: this \`thinking\` block is bound to a different conversation; system, tools or an earlier message changed`;
    }
  }
  return null;
}

function hmac(value: string): Buffer {
  return createHmac('sha256', SIGNING_KEY).update(value).digest();
}
