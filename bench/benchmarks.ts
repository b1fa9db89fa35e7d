import type { Benchmark } from './benchmark.ts';
import { steps } from './steps.ts';

/** Every benchmark, in the order in which they run. */
export const BENCHMARKS: readonly Benchmark[] = [steps];
