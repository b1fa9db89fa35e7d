import { LIMITS } from '../core/limits.ts';

/** What closes the gate of claims waited for longer than `gateWaitMs`. Nothing was changed. */
export class GateBusyError extends Error {
  constructor(options?: ErrorOptions) {
    super(
      `the database answers, but claims in progress kept this waiting for ${LIMITS.gateWaitMs / 1_000} s: nothing was changed, try again now`,
      options,
    );
    this.name = 'GateBusyError';
  }
}

/** Runs a change that closes the gate: of a switch or a learned rule. */
export async function closingGate<Result>(change: Promise<Result>): Promise<Result> {
  try {
    return await change;
  } catch (error) {
    // A lock that did not come in time; elsewhere that is an outage of the store.
    if (error instanceof Error && 'code' in error && error.code === '55P03')
      throw new GateBusyError({ cause: error });
    throw error;
  }
}
