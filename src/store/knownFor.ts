/** Looks at most once in `ms`, and gives everybody what was seen. A failed look is not remembered. */
export function knownFor<Value>(ms: number, look: () => Promise<Value>): () => Promise<Value> {
  let known: { readonly atMs: number; readonly value: Promise<Value> } | null = null;
  return () => {
    const atMs = performance.now();
    if (known !== null && atMs - known.atMs < ms) return known.value;
    const value = look();
    const mine = { atMs, value };
    known = mine;
    value.catch(() => {
      if (known === mine) known = null;
    });
    return value;
  };
}
