/** Words of random letters, the same for the same seed: a database makes them hardly any smaller. */
export function randomText(bytes: number, seed: number): string {
  const next = numbers(seed);
  let text = '';
  while (text.length < bytes) {
    for (let letters = 3 + (next() % 7); letters > 0; letters -= 1)
      text += String.fromCharCode(97 + (next() % 26));
    text += ' ';
  }
  return text.slice(0, bytes);
}

/** A small generator of random numbers (32 bits), the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
