import { groundingGuard, lengthGuard, personalDataGuard, toneGuard } from './answerGuards.ts';
import { injectionGuard, shapeGuard } from './inputGuards.ts';
import { plantedOrdersGuard } from './outputGuards.ts';
import type { Guards } from './subjects.ts';

/** The guards of an agent that says nothing else. None of them asks a model. Secrets are hidden whatever an agent says. */
export const DEFAULT_GUARDS: Guards = {
  input: [shapeGuard(), injectionGuard()],
  output: [plantedOrdersGuard()],
  answer: [lengthGuard(), groundingGuard(), personalDataGuard(), toneGuard()],
};
