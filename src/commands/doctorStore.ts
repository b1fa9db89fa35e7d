import { parseDecisionKeys } from '../control/keys.ts';
import { standing } from '../core/breakers.ts';
import { LIMITS } from '../core/limits.ts';
import { listBreakers, readGovernor } from '../store/breakers.ts';
import type { Sql } from '../store/connection.ts';
import { readAnchorHealth, readIdentityFacts, readServerHealth } from '../store/health.ts';
import { compareMigrations } from '../store/migrate.ts';
import { listDeliveries } from '../store/notices.ts';
import { listSwitches } from '../store/switches.ts';
import { type Check, failure, type Look, ok, warning } from './doctorChecks.ts';
import { flagsOf } from './stop.ts';
import { duration, moment } from './table.ts';

const LOOK_AGAIN = 'run "holdfast doctor" again; if it stays, look into the log of PostgreSQL';

/** Checks of the database itself. */
export function databaseChecks(sql: Sql, place: string): readonly Check[] {
  return [
    {
      name: 'database',
      mend: LOOK_AGAIN,
      look: async () => lookAtServer(await readServerHealth(sql), place),
    },
    { name: 'migrations', mend: LOOK_AGAIN, look: () => lookAtMigrations(sql) },
  ];
}

/** Checks of what is in it. */
export function recordChecks(sql: Sql, decisionKey: string | null): readonly Check[] {
  return [
    { name: 'decision key', mend: LOOK_AGAIN, look: () => lookAtKey(sql, decisionKey) },
    { name: 'notices', mend: LOOK_AGAIN, look: () => lookAtNotices(sql) },
    { name: 'audit', mend: LOOK_AGAIN, look: () => lookAtAnchors(sql) },
    { name: 'switches', mend: LOOK_AGAIN, look: () => lookAtSwitches(sql) },
    { name: 'breakers', mend: LOOK_AGAIN, look: () => lookAtBreakers(sql) },
  ];
}

function lookAtServer(health: Awaited<ReturnType<typeof readServerHealth>>, place: string): readonly Look[] {
  const { version, connections, maxConnections, idleTransactions } = health;
  const inUse = `${connections} of ${maxConnections} connections in use`;
  return [
    connections > maxConnections * LIMITS.connectionsShare
      ? warning(`${place}, ${inUse}`, 'raise max_connections, or run fewer workers')
      : ok(`${place}, PostgreSQL ${version}, ${inUse}`),
    ...(idleTransactions === 0
      ? []
      : [
          warning(
            `${idleTransactions} sessions do nothing in an open transaction, and hold its locks`,
            'restart the process that they belong to (pg_stat_activity names it)',
          ),
        ]),
  ];
}

async function lookAtMigrations(sql: Sql): Promise<readonly Look[]> {
  const { missing, changed, unknown } = await compareMigrations(sql);
  const findings = [
    ...(missing.length === 0
      ? []
      : [failure(`not applied: ${missing.join(', ')}`, 'start a worker of this version: it applies them')]),
    ...(changed.length === 0
      ? []
      : [
          failure(
            `applied with other bytes than this version has: ${changed.join(', ')}`,
            'restore the files that were applied and put changes into a new one (a local stack can be emptied by deleting .holdfast)',
          ),
        ]),
    ...(unknown.length === 0
      ? []
      : [
          warning(
            `applied, and not known to this version: ${unknown.join(', ')}`,
            'use the command line of the version that the workers run',
          ),
        ]),
  ];
  return findings.length === 0 ? [ok('up to date')] : findings;
}

async function lookAtKey(sql: Sql, decisionKey: string | null): Promise<readonly Look[]> {
  const parsed = decisionKey === null ? null : parseDecisionKeys(decisionKey);
  if (parsed?.kind === 'bad')
    return [failure(parsed.problem, 'set HOLDFAST_DECISION_KEY to what the workers have')];
  const { refused, believed } = await readIdentityFacts(sql);
  const lately = `in the last ${duration(LIMITS.doctorRecentMs)}`;
  if (refused.bad_signature > 0)
    return [
      failure(
        `${refused.bad_signature} decisions or signals were refused for a wrong signature ${lately}`,
        'give everybody who decides the same HOLDFAST_DECISION_KEY as the workers',
      ),
    ];
  if (refused.unsigned > 0)
    return [
      (parsed === null ? failure : warning)(
        `${refused.unsigned} decisions or signals were refused because they were not signed ${lately}`,
        parsed === null
          ? 'set HOLDFAST_DECISION_KEY here to what the workers have'
          : 'give the key to whoever else decides, or let them use this command line',
      ),
    ];
  if (parsed === null)
    return [
      warning(
        'none here, and none is asked for: whoever reaches Temporal is believed to be whom they say they are',
        'set the same HOLDFAST_DECISION_KEY for workers and command line, such as "openssl rand -hex 32" makes',
      ),
    ];
  return believed > 0
    ? [
        warning(
          `there is one here, but ${believed} decisions were believed without a signature ${lately}`,
          'set HOLDFAST_DECISION_KEY for the workers too, and start them again',
        ),
      ]
    : [
        ok(
          `${parsed.keys.length === 1 ? 'one' : `${parsed.keys.length} keys`}, and nothing was refused for its signature`,
        ),
      ];
}

/** Attempts after which a delivery is worth a look. */
const STUCK_ATTEMPTS = 3;

async function lookAtNotices(sql: Sql): Promise<readonly Look[]> {
  const rows = await listDeliveries(sql, { all: false, limit: LIMITS.listRows });
  const lost = rows.filter(({ state }) => state === 'refused' || state === 'given_up');
  const stuck = rows.filter(({ state, attempts }) => state === 'waiting' && attempts >= STUCK_ATTEMPTS);
  const many = (count: number) => (rows.length === LIMITS.listRows ? `${count} or more` : String(count));
  const why = (list: typeof rows) => (list[0]?.why == null ? '' : ` (${list[0].notifier}: ${list[0].why})`);
  const mend = 'see "holdfast notices", and check HOLDFAST_WEBHOOK_URL and who listens there';
  return [
    ...(lost.length === 0 ? [] : [warning(`${many(lost.length)} never arrived${why(lost)}`, mend)]),
    ...(stuck.length === 0
      ? []
      : [warning(`${many(stuck.length)} have been tried again and again${why(stuck)}`, mend)]),
    ...(lost.length + stuck.length > 0
      ? []
      : [ok(rows.length === 0 ? 'all have arrived' : `${rows.length} are on their way`)]),
  ];
}

async function lookAtAnchors(sql: Sql): Promise<readonly Look[]> {
  const { n, ageMs, overdueRows } = await readAnchorHealth(sql);
  const newest =
    n === null || ageMs === null
      ? 'no anchor yet'
      : `newest anchor ${n}, ${duration(Math.max(0, ageMs))} old`;
  if (overdueRows === 0)
    return [ok(`${newest}; all that is older than ${duration(LIMITS.unanchoredMs)} is anchored`)];
  const rows = overdueRows === LIMITS.auditBatchRows ? `${overdueRows} or more` : String(overdueRows);
  return [
    failure(
      `${newest}, but ${rows} older audit rows are not anchored`,
      'start a worker: every minute it anchors what has moved; then run "holdfast audit verify"',
    ),
  ];
}

async function lookAtSwitches(sql: Sql): Promise<readonly Look[]> {
  const switches = await listSwitches(sql);
  if (switches.length === 0) return [ok('nothing is stopped')];
  return switches
    .slice(0, LIMITS.listRows)
    .map(({ name, setBy, setAt, reason }) =>
      warning(
        `${name} is stopped by ${setBy} since ${moment(setAt)} UTC: ${reason}`,
        `once that is mended: holdfast stop ${flagsOf(name)} --off --by NAME --reason WHY`,
      ),
    );
}

async function lookAtBreakers(sql: Sql): Promise<readonly Look[]> {
  const { ranAtMs, nowMs } = await readGovernor(sql);
  const notClosed = (await listBreakers(sql)).filter(({ breaker }) => standing(breaker) !== 'closed');
  const silentMs = ranAtMs === null ? null : Math.max(0, nowMs - ranAtMs);
  const looked =
    silentMs === null ? 'the governor has not looked yet' : `the governor looked ${duration(silentMs)} ago`;
  const names = notClosed
    .slice(0, SHOWN_BREAKERS)
    .map(({ breaker }) => `${breaker.name} (${standing(breaker)})`);
  return [
    ...(silentMs === null || silentMs > LIMITS.governorSilentMs
      ? [
          warning(
            `${looked}: no breaker opens or closes`,
            'start a worker, and see whether the schedule "<task queue>-governor" is there and not paused',
          ),
        ]
      : []),
    notClosed.length === 0
      ? ok(`all closed; ${looked}`)
      : warning(
          `${notClosed.length} not closed: ${names.join(', ')}; ${looked}`,
          'see why with "holdfast breakers"',
        ),
  ];
}

const SHOWN_BREAKERS = 5;
