export type LengthVerdict =
  | { readonly kind: 'fits' }
  | { readonly kind: 'tooLong'; readonly chars: number; readonly reason: string };

/** Whether an answer has at most `maxChars` characters as people count them (an emoji of two code units is one). */
export function checkLength(text: string, maxChars: number): LengthVerdict {
  const chars = text.length <= maxChars ? text.length : countCodePoints(text);
  if (chars <= maxChars) return { kind: 'fits' };
  const reason = `It has ${chars} characters, and at most ${maxChars} are allowed. Make it shorter, and keep what the user needs to know or to do next.`;
  return { kind: 'tooLong', chars, reason };
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
