import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from './processes.ts';

export type PartName = 'postgres' | 'temporal';

/** What stack.json holds. It outlives the stack: the ports are used again by the next start. */
export interface StackState {
  readonly version: 1;
  readonly phase: 'starting' | 'ready' | 'stopped';
  readonly owner: ProcessIdentity;
  /** Only the parts this stack started; a part that the environment replaced has no entry. */
  readonly parts: { readonly [name in PartName]?: ProcessIdentity };
  readonly ports: { readonly postgres?: number; readonly temporal?: number; readonly ui?: number };
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly uiUrl: string | null;
}

/** The recorded state, or undefined when there is none. A file this version cannot read counts as none. */
export function readState(dir: string): StackState | undefined {
  try {
    const state = JSON.parse(readFileSync(statePath(dir), 'utf8')) as StackState;
    return state.version === 1 && typeof state.owner?.pid === 'number' ? state : undefined;
  } catch {
    return undefined;
  }
}

/** Synchronous and atomic: a start is recorded before anything else can happen. Holds a password, so 0600. */
export function writeState(dir: string, state: StackState): void {
  const draft = `${statePath(dir)}.${randomUUID()}`;
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, statePath(dir));
}

function statePath(dir: string): string {
  return join(dir, 'stack.json');
}
