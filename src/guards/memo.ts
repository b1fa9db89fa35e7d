import { LIMITS } from '../core/limits.ts';

/**
 * The same function, which remembers what it read of the latest texts: a conversation is judged again at every step, and
 * all of it but the end was judged before. Only for functions of the text alone whose results nobody changes.
 */
export function remembering<Value>(
  read: (text: string) => Value,
  entries: number = LIMITS.guardMemoTexts,
): (text: string) => Value {
  const known = new Map<string, { readonly value: Value }>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) {
      known.delete(text);
      known.set(text, found);
      return found.value;
    }
    const value = read(text);
    if (text.length > LIMITS.guardMemoChars) return value;
    known.set(text, { value });
    const [oldest] = known.keys();
    if (known.size > entries && oldest !== undefined) known.delete(oldest);
    return value;
  };
}
