import type { CrashPoint } from '../../src/activities/services.ts';

/** Where an attempt at an effect can be held: the places in our code, and two inside the tool's own. */
export type Point = Extract<CrashPoint, `effect:${string}`> | ToolPoint;

/** Before: it has looked at its signal for the last time and is about to send. Mid: the service has done it. */
export type ToolPoint = 'tool:before-send' | 'tool:mid-act';

/** In the order in which an attempt comes by. */
export const POINTS = [
  'effect:before-claim',
  'effect:after-claim',
  'tool:before-send',
  'tool:mid-act',
  'effect:after-act',
  'effect:before-settle',
  'effect:after-settle',
] as const satisfies readonly Point[];

/** `hear`: the run was cancelled; a tool that can hears it now, through its heartbeat. */
export type Word = 'go' | 'hear';

/** What a worker process says to the test that started it. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'at'; readonly id: number; readonly workflowId: string; readonly point: Point };

/** What it is told. */
export interface ToWorker {
  readonly id: number;
  readonly word: Word;
}
