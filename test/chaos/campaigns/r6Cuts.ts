import { openFleet } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import { pause } from '../fleet/patience.ts';
import { openProxy, type Weather } from '../proxy.ts';
import type { Campaign } from './campaign.ts';
import { playStorm, reportOf } from './storm.ts';

/** What happens to the network, and for how long. `dead`: connections that fell silent never speak again. */
interface Fault {
  readonly what: 'cut' | 'silent' | 'dead' | 'late';
  readonly link: 'temporal' | 'postgres' | 'both';
  readonly ms: number;
}

/** One run may meet many faults, each a minute and what it takes to notice that it is over. */
const PATIENCE_MS = 15 * 60_000;

const LATE = { kind: 'late', delayMs: 50, stallShare: 0.05, stallMs: 400 } as const;

/** A dead connection costs a minute: that is for the long version, and for test/store/brokenConnections. */
const QUICK: readonly Fault[] = [
  { what: 'cut', link: 'temporal', ms: 1_000 },
  { what: 'cut', link: 'postgres', ms: 3_000 },
  { what: 'silent', link: 'temporal', ms: 3_000 },
  { what: 'silent', link: 'postgres', ms: 1_000 },
  { what: 'late', link: 'both', ms: 2_000 },
];

const FULL: readonly Fault[] = (['temporal', 'postgres', 'both'] as const).flatMap((link) => [
  ...[1_000, 10_000, 60_000].flatMap((ms): Fault[] => [
    { what: 'cut', link, ms },
    { what: 'silent', link, ms },
    { what: 'dead', link, ms },
  ]),
  { what: 'late', link, ms: 20_000 },
]);

export const r6: Campaign = {
  id: 'R6',
  promise: 'A worker cut off from Temporal or PostgreSQL, with and without a word, goes on where it was',
  run: async ({ quick, seed, addresses: find, progress }) => {
    const addresses = await find();
    const postgresAt = new URL(addresses.databaseUrl);
    const temporalAt = new URL(`tcp://${addresses.temporalAddress}`);
    await using temporal = await openProxy({
      host: temporalAt.hostname,
      port: Number(temporalAt.port),
      seed,
    });
    await using postgres = await openProxy({
      host: postgresAt.hostname,
      port: Number(postgresAt.port),
      seed,
    });
    await using fleet = await openFleet({
      addresses,
      seed,
      workers: 1,
      through: { temporalAddress: temporal.address, databasePort: postgres.port },
    });
    const faults = quick ? QUICK : FULL;
    const storm = await playStorm({
      fleet,
      seed,
      load: { concurrency: 8, patienceMs: PATIENCE_MS },
      faults: faults.length,
      pauseMs: [500, 2_000],
      strike: async (ordinal) => {
        const fault = faults[ordinal - 1];
        if (fault === undefined) throw new Error(`there is no fault ${ordinal}`);
        progress(`${fault.what} ${fault.link} for ${fault.ms} ms`);
        const links =
          fault.link === 'both' ? [temporal, postgres] : [fault.link === 'temporal' ? temporal : postgres];
        for (const link of links) link.set(weatherOf(fault.what));
        await pause(fault.ms);
        for (const link of links) link.heal(fault.what === 'dead' ? 'dead' : 'resume');
      },
      recoverWithinMs: 120_000,
      progress,
    });
    progress('judging');
    const verdict = await judge(fleet, {
      runsAtLeast: faults.length * 2,
      effectsAtLeast: faults.length,
    });
    const passed = { temporalBytes: temporal.bytes, postgresBytes: postgres.bytes };
    const report = reportOf(storm, verdict, passed);
    const around = Object.entries(passed).filter(([, bytes]) => bytes < 100_000);
    return {
      ...report,
      vacuous: [...report.vacuous, ...around.map(([name]) => `${name}: the workers went around the proxy`)],
    };
  },
};

function weatherOf(what: Fault['what']): Weather {
  switch (what) {
    case 'cut':
      return { kind: 'refusing' };
    case 'silent':
    case 'dead':
      return { kind: 'silent' };
    case 'late':
      return LATE;
    default:
      return what satisfies never;
  }
}
