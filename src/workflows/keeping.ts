import { LIMITS } from '../core/limits.ts';
import type { TextRef } from '../core/state.ts';
import { utf8Bytes } from '../core/text.ts';
import type { Run } from './context.ts';
import { store } from './proxies.ts';

// Texts of a run that wait in the store, so that what travels through the engine stays small.

/** Puts texts into the run's blobs and returns references to them, in order. No activity is given more than fits. */
export async function keep(
  { state: { run } }: Run,
  texts: readonly string[],
  { keepTexts }: Pick<typeof store, 'keepTexts'> = store,
): Promise<readonly TextRef[]> {
  const kept: TextRef[] = [];
  for (const portion of portionsOf(texts)) {
    const refs = await keepTexts({ run, texts: portion });
    kept.push(...refs.map((ref) => ({ kind: 'blob', ref }) as const));
  }
  return kept;
}

/** The same texts, in order; those of more than `mostBytes` are in the store afterwards. */
export async function keepLong(
  run: Run,
  texts: readonly TextRef[],
  mostBytes: number = LIMITS.inlineMessageBytes,
  proxies?: Pick<typeof store, 'keepTexts'>,
): Promise<readonly TextRef[]> {
  const isLong = (text: TextRef) => text.kind === 'inline' && utf8Bytes(text.text) > mostBytes;
  const long = texts.flatMap((text) => (text.kind === 'inline' && isLong(text) ? [text.text] : []));
  if (long.length === 0) return texts;
  const kept = [...(await keep(run, long, proxies))];
  return texts.map((text) => (isLong(text) ? (kept.shift() ?? text) : text));
}

function portionsOf(texts: readonly string[]): readonly (readonly string[])[] {
  const portions: string[][] = [];
  let room = 0;
  for (const text of texts) {
    const bytes = utf8Bytes(text);
    if (bytes > room || portions.length === 0) {
      portions.push([]);
      room = LIMITS.keptPortionBytes;
    }
    portions.at(-1)?.push(text);
    room -= bytes;
  }
  return portions;
}
