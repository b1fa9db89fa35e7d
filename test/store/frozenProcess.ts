import { LIMITS } from '../../src/core/limits.ts';
import { connect, onStore } from '../../src/store/connection.ts';

/**
 * A process that holds the lock of a run in a transaction, and is frozen there by the test. What it is told on its
 * command line: the database, the run, and how long its transaction may be silent.
 */
const [url = '', run = '', silentMs = ''] = process.argv.slice(2);
const sql = connect(url, { maxConnections: 1 });
const say = (message: object) => process.send?.(message);
process.once('disconnect', () => process.exit(1));

const work = onStore(() =>
  sql.begin(async (tx) => {
    const [limit] = await tx<{ ms: number }[]>`
      select extract(epoch from current_setting('idle_in_transaction_session_timeout')::interval)::int * 1000 as ms`;
    await tx`select set_config('idle_in_transaction_session_timeout', ${silentMs}, true)`;
    await tx`select lock_run(${run})`;
    await tx`insert into blobs (run, hash, body) values (${run}, 'first', '')`;
    say({ kind: 'holding', asLimited: limit?.ms === LIMITS.idleInTransactionMs });
    await new Promise((resolve) => process.once('message', resolve));
    await tx`insert into blobs (run, hash, body) values (${run}, 'second', '')`;
  }),
);
const code = await work.then(
  () => 'committed',
  (error: { readonly failure?: { readonly code: string } }) => error.failure?.code ?? String(error),
);
const works = await sql`select 1`.then(
  () => true,
  () => false,
);
say({ kind: 'ended', code, works });
await sql.end({ timeoutMs: 5_000 });
process.exit(0);
