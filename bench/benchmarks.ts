import type { Benchmark } from './benchmark.ts';
import { conversations } from './conversations.ts';
import { decisions } from './decisions.ts';
import { growth } from './growth.ts';
import { peers } from './peers.ts';
import { start } from './start.ts';
import { steps } from './steps.ts';

/** Every benchmark, in the order in which they run. */
export const BENCHMARKS: readonly Benchmark[] = [steps, growth, conversations, decisions, peers, start];
