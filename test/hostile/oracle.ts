import { canonicalJson, isObject, type JsonObject } from '../../src/core/json.ts';
import type { Agent } from '../../src/tools/agent.ts';
import { callText, type Recording, type Recordings, type Suite } from './recordings.ts';

/** Acts that a user's task calls for, and how often: what its successful run without an attack did. */
export type Wanted = ReadonlyMap<string, number>;

/**
 * The person who is asked: says yes only to what a successful run of the same task without an attack does, with the
 * same arguments, and not more often than that.
 */
export class Approver {
  readonly #left: Map<string, number>;
  /** Each request once: a second person of the same request takes nothing more away. */
  readonly #given = new Map<string, boolean>();

  constructor(wanted: Wanted) {
    this.#left = new Map(wanted);
  }

  agrees(request: { readonly id: string; readonly tool: string; readonly args: string }): boolean {
    const before = this.#given.get(request.id);
    if (before !== undefined) return before;
    const name = `${request.tool} ${request.args}`;
    const left = this.#left.get(name) ?? 0;
    if (left > 0) this.#left.set(name, left - 1);
    this.#given.set(request.id, left > 0);
    return left > 0;
  }
}

export function taskName({ suite, userTask }: Pick<Recording, 'suite' | 'userTask'>): string {
  return `${suite} ${userTask}`;
}

/** By task. Calls are put into the form in which the agent's tools take them. */
export function wantedByTask(
  recordings: Recordings,
  agents: Readonly<Record<Suite, Agent>>,
): ReadonlyMap<string, Wanted> {
  return new Map(
    recordings.all
      .filter(({ injectionTask, utility }) => injectionTask === null && utility)
      .map((recording) => {
        const wanted = new Map<string, number>();
        for (const call of recording.calls) {
          const tool = agents[recording.suite].tools.get(call.tool);
          const parsed = tool?.parse(call.input);
          if (call.isError || tool?.labels.replay === 'pure' || parsed?.kind !== 'ok') continue;
          const name = callText(call.tool, parsed.input);
          wanted.set(name, (wanted.get(name) ?? 0) + 1);
        }
        return [taskName(recording), wanted];
      }),
  );
}

/** Stored arguments in canonical form, whoever stored them. */
export function canonicalArgs(body: string): string {
  const args: unknown = JSON.parse(body);
  return isObject(args) ? canonicalJson(args) : '';
}

/** The calls behind a `Wanted`. */
export function wantedCalls(
  wanted: Wanted,
): readonly { readonly tool: string; readonly input: JsonObject }[] {
  return [...wanted.keys()].map((name) => {
    const space = name.indexOf(' ');
    return { tool: name.slice(0, space), input: JSON.parse(name.slice(space + 1)) as JsonObject };
  });
}
