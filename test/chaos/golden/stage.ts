import { join } from 'node:path';
import { type Stack, startStack } from '../../../src/stack/stack.ts';
import { SEARCH_ATTRIBUTES } from '../../../src/workflows/searchAttributes.ts';
import { type Addresses, type Lab, openLab } from '../../e2e/lab.ts';
import type { How } from '../campaigns/campaign.ts';
import { openPayments, type Payments } from '../payments.ts';
import { CONVERSATIONS, LONG_RUNS, POISONED_RUNS } from './goldenRuns.ts';

/** A stack of a campaign's own. */
export interface Stage extends AsyncDisposable {
  readonly addresses: Addresses;
  readonly payments: Payments;
  /** What worker processes write. */
  readonly log: string;
}

export async function openStage({ dir, progress }: How): Promise<Stage> {
  const stack: Stack = await startStack({
    dir,
    fresh: true,
    ui: false,
    searchAttributes: SEARCH_ATTRIBUTES,
    environment: { ...process.env, DATABASE_URL: '', TEMPORAL_ADDRESS: '' },
    onProgress: progress,
  });
  const payments = await openPayments();
  const { databaseUrl, temporalAddress } = stack;
  return {
    addresses: { databaseUrl, temporalAddress },
    payments,
    log: join(dir, 'workers.log'),
    [Symbol.asyncDispose]: async () => {
      await payments[Symbol.asyncDispose]();
      await stack.stop();
    },
  };
}

/** A database and a task queue on it, without a worker; and what its worker processes have in their environment. */
export async function openBench({
  addresses,
  payments,
  log,
}: Stage): Promise<
  AsyncDisposable & { readonly lab: Lab; readonly environment: Readonly<Record<string, string>> }
> {
  const lab = await openLab({
    ...addresses,
    agents: [],
    conversations: [...CONVERSATIONS, ...LONG_RUNS, ...POISONED_RUNS],
    worker: false,
  });
  return {
    lab,
    environment: { ...lab.environment, PAYMENTS_URL: payments.url, GOLDEN_LOG: log },
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}
