import type { IncomingMessage } from 'node:http';
import type { Json } from '../../core/json.ts';

const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** What is still read (and thrown away) of a body that is too long, so that the client sees the answer. */
const MAX_DRAINED_BYTES = 4 * MAX_BODY_BYTES;

export type Body =
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'invalid'; readonly message: string }
  /** The client went away, or sends without end. */
  | { readonly kind: 'gone' };

export async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request) {
      const piece = Buffer.from(chunk);
      bytes += piece.length;
      if (bytes > MAX_DRAINED_BYTES) return { kind: 'gone' };
      if (bytes <= MAX_BODY_BYTES) chunks.push(piece);
    }
  } catch {
    return { kind: 'gone' };
  }
  if (bytes > MAX_BODY_BYTES) return { kind: 'too_large' };
  return parse(Buffer.concat(chunks));
}

function parse(bytes: Buffer): Body {
  try {
    return { kind: 'json', value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'invalid', message: `The request body is not valid JSON: ${why}` };
  }
}
