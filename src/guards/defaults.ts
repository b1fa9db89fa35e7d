import type { Guards } from './subjects.ts';

/** The guards of an agent that says nothing else. */
export const DEFAULT_GUARDS: Guards = { input: [], output: [], answer: [] };
