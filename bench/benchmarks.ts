import type { Benchmark } from './benchmark.ts';
import { growth } from './growth.ts';
import { peers } from './peers.ts';

/** Every benchmark, in the order in which they run. */
export const BENCHMARKS: readonly Benchmark[] = [growth, peers];
