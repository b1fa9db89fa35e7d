import type { Vector } from './scopeFeatures.ts';

/** Which examples have a bucket, to find how near a text comes to the nearest example. */
export interface NearIndex {
  readonly add: (vector: Vector) => void;
  /** Cosine with the nearest example, 0 to 1. */
  readonly nearest: (vector: Vector) => number;
}

/** Buckets that more examples than this have tell little and cost most. */
const COMMON = 2_000;

export function createIndex(size: number, capacity: number): NearIndex {
  const examples: (number[] | undefined)[] = Array.from({ length: size });
  const values: (number[] | undefined)[] = Array.from({ length: size });
  const sums = new Float32Array(capacity);
  let count = 0;
  return {
    add({ buckets, values: own }) {
      for (let at = 0; at < buckets.length; at++) {
        const bucket = buckets[at] ?? 0;
        const having = examples[bucket];
        if (having === undefined) {
          examples[bucket] = [count];
          values[bucket] = [own[at] ?? 0];
        } else if (having.length < COMMON) {
          having.push(count);
          values[bucket]?.push(own[at] ?? 0);
        }
      }
      count++;
    },
    nearest({ buckets, values: own }) {
      sums.fill(0);
      let most = 0;
      for (let at = 0; at < buckets.length; at++) {
        const having = examples[buckets[at] ?? 0];
        const theirs = values[buckets[at] ?? 0];
        if (having === undefined || theirs === undefined || having.length >= COMMON) continue;
        const value = own[at] ?? 0;
        for (let which = 0; which < having.length; which++) {
          const example = having[which] ?? 0;
          const sum = (sums[example] ?? 0) + value * (theirs[which] ?? 0);
          sums[example] = sum;
          if (sum > most) most = sum;
        }
      }
      return most;
    },
  };
}
