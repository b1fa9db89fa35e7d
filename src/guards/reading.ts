import { alike, plain } from './folding.ts';

/** A text in the forms in which it is searched, each made when it is first asked for. */
export interface Reading {
  readonly raw: () => string;
  readonly plain: () => string;
  readonly lower: () => string;
  readonly alike: () => string;
}

export function readingOf(text: string): Reading {
  const read = once(() => plain(text));
  return {
    raw: () => text,
    plain: read,
    lower: once(() => read().toLowerCase()),
    alike: once(() => alike(text)),
  };
}

function once(make: () => string): () => string {
  let made: string | null = null;
  return () => {
    made ??= make();
    return made;
  };
}
