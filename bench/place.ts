import { resolve } from 'node:path';

/** Data, logs and process ids of the stack that all benchmarks of a command share. */
export const STACK_FOLDER = resolve(import.meta.dirname, '../.holdfast/bench');
