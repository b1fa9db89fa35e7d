import { readdirSync, readFileSync } from 'node:fs';
import { readState } from '../../src/stack/state.ts';
import { STACK_FOLDER } from '../place.ts';

/** What processes have used since they began, and what they hold now. */
export interface Usage {
  readonly cpuMs: number;
  /** Memory of their own, and their share of what they share. */
  readonly memoryBytes: number;
}

const NOTHING: Usage = { cpuMs: 0, memoryBytes: 0 };
/** Linux counts processor time in hundredths of a second, whatever the kernel's own clock. */
const TICK_MS = 10;

/** Of one process; with `family`, of its children too, those that have ended among them. Nothing where there is no /proc. */
export function usageOf(pid: number, { family = false }: { readonly family?: boolean } = {}): Usage {
  try {
    const pids = family ? [pid, ...childrenOf(pid)] : [pid];
    return pids.map((each) => usageOfOne(each, each === pid && family)).reduce(sum, NOTHING);
  } catch {
    return NOTHING;
  }
}

/** The servers of the benchmarks' own stack. */
export function stackUsage(): { readonly temporal: Usage; readonly postgres: Usage } {
  const parts = readState(STACK_FOLDER)?.parts;
  return {
    temporal: parts?.temporal === undefined ? NOTHING : usageOf(parts.temporal.pid),
    postgres: parts?.postgres === undefined ? NOTHING : usageOf(parts.postgres.pid, { family: true }),
  };
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function usageOfOne(pid: number, withEnded: boolean): Usage {
  const fields = statOf(pid);
  const ticks = [fields[11], fields[12], ...(withEnded ? [fields[13], fields[14]] : [])];
  const cpuMs = ticks.reduce((total, value) => total + Number(value ?? 0), 0) * TICK_MS;
  return { cpuMs, memoryBytes: memoryOf(pid) };
}

/** Fields of /proc/PID/stat after the name, which may hold anything. */
function statOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function memoryOf(pid: number): number {
  const kilobytes = (file: string, name: string) =>
    Number(
      new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? 0,
    );
  try {
    return kilobytes('smaps_rollup', 'Pss') * 1_024;
  } catch {
    // Another user's process: what it shares counts in full.
    return kilobytes('status', 'VmRSS') * 1_024;
  }
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => {
      try {
        return statOf(each)[1] === String(pid);
      } catch {
        return false;
      }
    });
}

function sum(a: Usage, b: Usage): Usage {
  return { cpuMs: a.cpuMs + b.cpuMs, memoryBytes: a.memoryBytes + b.memoryBytes };
}
