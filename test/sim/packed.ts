import type { InsideTask } from '../../src/activities/types.ts';
import { PACKING, type Packed, pack, unpack } from '../../src/core/packing.ts';
import type { ActivityHandler, ActivityInfo } from './activities.ts';
import type { ActivityOutcome } from './attempts.ts';

/** As on real parts: what runs inside a task that may have been done before is not run. */
const isAgain = ({ args }: ActivityInfo): boolean => (args[1] as InsideTask | undefined)?.again === true;
const DONE_BEFORE: ActivityOutcome = {
  kind: 'failed',
  failure: { type: 'done_before', message: 'its task may have been done before', nonRetryable: true },
  takesMs: 1,
};

/** Activities of a run as its workflow calls them: what they are given and give travels as it does on real parts. */
export function packing(
  handlers: Readonly<Record<string, ActivityHandler>>,
): Readonly<Record<string, ActivityHandler>> {
  const shapes: Readonly<Record<string, (typeof PACKING)[keyof typeof PACKING]>> = PACKING;
  const wrapped = (name: string, handler: ActivityHandler): ActivityHandler => {
    const shape = shapes[name];
    if (shape === undefined) return (input, info) => (isAgain(info) ? DONE_BEFORE : handler(input, info));
    const sent = (outcome: ActivityOutcome): ActivityOutcome => ({
      ...outcome,
      ...(outcome.kind === 'completed' && { result: pack(shape.result, outcome.result as object) }),
      ...(typeof outcome.whenCancelled === 'object' && { whenCancelled: sent(outcome.whenCancelled) }),
    });
    return async (input, info) =>
      isAgain(info) ? DONE_BEFORE : sent(await handler(unpack(shape.input, input as Packed<object>), info));
  };
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [name, wrapped(name, handler)]),
  );
}
