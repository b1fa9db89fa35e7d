import { randomOf } from '../../test/hostile/random.ts';

/**
 * Numbers from 0 to less than 1, the same ones for the same words every time. Whoever draws for something names it, so
 * that two processes draw alike without speaking to each other.
 */
export function randomFor(...words: readonly (string | number)[]): () => number {
  return randomOf(hashOf(words.join(' '))).next;
}

/** Half of all values lie below `median`; a larger `sigma` makes the slow ones slower. */
export interface LogNormal {
  readonly median: number;
  readonly sigma: number;
}

export function drawLogNormal(random: () => number, { median, sigma }: LogNormal): number {
  // 1 - u is never 0, whose logarithm there is not.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
