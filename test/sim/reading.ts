import { expect } from 'vitest';
import type { ApprovalRecord } from '../../src/core/approvals.ts';
import type { RunResult } from '../../src/workflows/messages.ts';
import type { Simulation } from './driver.ts';
import type { World } from './world.ts';

// What tests of simulated runs look at, and the decision they send most.

export function resultOf(simulation: Simulation): RunResult {
  expect(simulation.result.kind, JSON.stringify(simulation.result)).toBe('completed');
  return (simulation.result as { value: RunResult }).value;
}

export async function openApprovals(simulation: Simulation): Promise<readonly ApprovalRecord[]> {
  return (await simulation.query('approvals')) as readonly ApprovalRecord[];
}

/** The results the model was given at its nth call, as refusal texts or `ran`. */
export function resultsAt(world: World, call: number): readonly string[] {
  return (world.modelCalls[call]?.append.results ?? []).map((result) =>
    result.content.kind === 'inline' ? result.content.text : 'ran',
  );
}

export function approve(simulation: Simulation, approval: string, by = 'boss'): void {
  simulation.signal('decide', { approval, kind: 'approve', by, channel: 'test' });
}
