import { LIMITS } from '../core/limits.ts';
import type { Requester } from '../core/requester.ts';
import type { Guard, GuardSubject } from './guard.ts';

/**
 * Asks a small model one question about a text that it is given as data. `null`: no clear word, or no model, or no
 * money left; the guard then falls back on what it can tell by itself.
 */
export type AskYesNo = (question: {
  readonly system: string;
  readonly text: string;
}) => Promise<'yes' | 'no' | null>;

/** A customer's message, before the model reads it. */
export interface InputSubject extends GuardSubject {
  readonly requester: Requester;
  readonly ask: AskYesNo;
}

/** A tool's result, before it is stored and before the model reads it. */
export interface OutputSubject extends GuardSubject {
  readonly tool: string;
  readonly returns: 'trusted' | 'untrusted';
  readonly reads: 'public' | 'private';
  readonly requester: Requester;
}

/** An answer, before it goes out. */
export interface AnswerSubject extends GuardSubject {
  readonly requester: Requester;
  /** The agent's instructions. */
  readonly system: string;
  /** Everything that was said before the answer, in order. The assistant's own words prove nothing. */
  readonly said: readonly Said[];
  readonly ask: AskYesNo;
}

export interface Said {
  readonly by: 'tool' | 'user' | 'operator' | 'assistant';
  readonly text: string;
}

/** The guards of an agent, each list in the order in which they run. */
export interface Guards {
  readonly input: readonly Guard<InputSubject>[];
  readonly output: readonly Guard<OutputSubject>[];
  readonly answer: readonly Guard<AnswerSubject>[];
}

export type GuardStage = keyof Guards;

/** Names and versions, for the release: `injection@1`. */
export function guardNames(guards: Guards): Readonly<Record<GuardStage, readonly string[]>> {
  return {
    input: guards.input.map(nameOf),
    output: guards.output.map(nameOf),
    answer: guards.answer.map(nameOf),
  };
}

export function nameOf(guard: { readonly name: string; readonly version?: string }): string {
  return `${guard.name}@${guard.version ?? '1'}`;
}

/** What is wrong with how guards are named and timed; sentences for the author of an agent. */
export function guardProblems(guards: Guards): string[] {
  return Object.entries(guards).flatMap(([stage, list]: [string, Guards[GuardStage]]) => {
    const names = list.map((guard) => guard.name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    return [
      ...(list.length > LIMITS.guardsPerStage
        ? [`guards.${stage} has ${list.length} guards, the limit is ${LIMITS.guardsPerStage}`]
        : []),
      ...(twice === undefined ? [] : [`guards.${stage} names "${twice}" twice`]),
      ...list.flatMap(({ name, timeoutMs = LIMITS.guardTimeoutMs }) => [
        ...(/^[a-z][a-z0-9-]{0,39}$/.test(name)
          ? []
          : [`guards.${stage}: "${name}" is no name: lower case letters, digits and dashes, at most 40`]),
        ...(timeoutMs > 0 && timeoutMs <= LIMITS.guardTimeoutMaxMs
          ? []
          : [
              `guards.${stage}: timeoutMs of "${name}" is ${timeoutMs}: more than 0, at most ${LIMITS.guardTimeoutMaxMs}`,
            ]),
      ]),
    ];
  });
}
