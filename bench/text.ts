import { randomOf } from '../test/hostile/random.ts';

/** Words of random letters, the same for the same seed: a database makes them hardly any smaller. */
export function randomText(bytes: number, seed: number): string {
  const { below } = randomOf(seed);
  let text = '';
  while (text.length < bytes) {
    for (let letters = 3 + below(7); letters > 0; letters -= 1) text += String.fromCharCode(97 + below(26));
    text += ' ';
  }
  return text.slice(0, bytes);
}
