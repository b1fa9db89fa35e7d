import type { Command } from 'commander';
import { LIMITS } from '../core/limits.ts';
import { connect, onStore, type Sql } from '../store/connection.ts';
import { within } from './bounded.ts';
import { agentChecks, releaseChecks } from './doctorAgents.ts';
import { type Check, examine, type Finding, failure, type Look } from './doctorChecks.ts';
import { placeChecks } from './doctorPlace.ts';
import { databaseChecks, recordChecks } from './doctorStore.ts';
import { type TemporalPlace, temporalChecks } from './doctorTemporal.ts';
import { EXIT_CODES } from './failures.ts';
import type { Run } from './program.ts';
import { connectTarget, placeOf, type Session, storeError } from './session.ts';
import { type Environment, findTarget, type Target } from './target.ts';
import type { Colors } from './terminal.ts';

/** Looks at everything a run needs. Changes nothing, prints no secret. */
export function addDoctorCommand(program: Command, run: Run): void {
  program
    .command('doctor')
    .description(
      'check Temporal, database, workers, keys, prices, agents and people, and say how to mend each',
    )
    .action(() => run((session) => doctor(session, process.env)));
}

/** What `doctor` answers: plain JSON. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly failures: number;
  readonly warnings: number;
}

async function doctor(session: Session, environment: Environment): Promise<number | undefined> {
  session.terminal.progress('looking…');
  const findings = await diagnose(environment, process.cwd());
  session.terminal.progress('');
  const count = (state: Finding['state']) => findings.filter((one) => one.state === state).length;
  const diagnosis = { findings, failures: count('failure'), warnings: count('warning') };
  session.terminal.show(diagnosis, diagnosisText);
  return diagnosis.failures === 0 ? undefined : EXIT_CODES.unexpected[0];
}

/** First whether both servers can be reached, since most checks need one; then everything else at once. */
export async function diagnose(environment: Environment, cwd: string): Promise<readonly Finding[]> {
  const target = findTarget({ environment, cwd });
  const [temporal, store] = await Promise.all([reachTemporal(target, environment), reachStore(target)]);
  const away = (names: readonly string[], why: Look): readonly Check[] => [
    { name: names[0] ?? '', mend: '', look: async () => [why] },
    ...names.slice(1).map((name) => ({
      name,
      mend: '',
      look: async () => [{ state: 'skipped' as const, found: `needs ${names[0]}` }],
    })),
  ];
  try {
    const sql = store.kind === 'there' ? store.sql : null;
    const ready = store.kind === 'there' && store.migrated;
    const checks: readonly Check[] = [
      ...(temporal.kind === 'there'
        ? temporalChecks(temporal.place)
        : away(['temporal', 'search attributes', 'worker'], temporal.look)),
      ...(store.kind === 'there'
        ? databaseChecks(store.sql, store.place)
        : away(['database', 'migrations'], store.look)),
      ...(sql !== null && ready
        ? [...recordChecks(sql, target.decisionKey), ...releaseChecks(sql, target.decisionKey)]
        : ['decision key', 'notices', 'audit', 'switches', 'breakers', 'releases', 'approvers'].map(
            (name) => ({
              name,
              mend: '',
              look: async () => [
                { state: 'skipped' as const, found: `needs ${sql === null ? 'database' : 'migrations'}` },
              ],
            }),
          )),
      ...agentChecks(environment, ready ? sql : null),
      ...placeChecks(environment),
    ];
    return await examine(checks, { environment });
  } finally {
    if (temporal.kind === 'there') await temporal.close();
    if (store.kind === 'there') await store.sql.end({ timeoutMs: 1_000 });
  }
}

type Away = { readonly kind: 'away'; readonly look: Look };

async function reachTemporal(
  target: Target,
  environment: Environment,
): Promise<Away | { readonly kind: 'there'; readonly place: TemporalPlace; close(): Promise<void> }> {
  const connecting = connectTarget(target, LIMITS.doctorConnectMs);
  try {
    const { client, operatorService, close } = await within(LIMITS.doctorCheckMs, connecting);
    const address = (await target.temporal())?.address ?? environment.TEMPORAL_ADDRESS ?? 'as configured';
    return { kind: 'there', place: { client, operatorService, address, taskQueue: target.taskQueue }, close };
  } catch (error) {
    // A connection that comes late is closed: it would keep the process alive.
    void connecting.then(({ close }) => close()).catch(() => undefined);
    return away(error, 'set TEMPORAL_ADDRESS, or start a local stack with "npm run dev"');
  }
}

async function reachStore(
  target: Target,
): Promise<
  Away | { readonly kind: 'there'; readonly sql: Sql; readonly place: string; readonly migrated: boolean }
> {
  let sql: Sql | null = null;
  let place = '';
  try {
    const url = await target.databaseUrl();
    place = placeOf(url);
    const opened = connect(url, { maxConnections: 4 });
    sql = opened;
    const looking = onStore(
      () => opened<{ there: boolean }[]>`select to_regclass('holdfast.breakers') is not null as there`,
    );
    const [row] = await within(LIMITS.doctorCheckMs, looking);
    return { kind: 'there', sql, place, migrated: row?.there === true };
  } catch (error) {
    await sql?.end({ timeoutMs: 1_000 });
    return away(
      place === '' ? error : storeError(error, place),
      'set DATABASE_URL, or start a local stack with "npm run dev"',
    );
  }
}

function away(error: unknown, mend: string): Away {
  const words = error instanceof Error ? error.message : String(error);
  return { kind: 'away', look: failure(words, mend) };
}

export function diagnosisText(diagnosis: Diagnosis, paint: Colors): string {
  const { findings, failures, warnings } = diagnosis;
  const widest = Math.max(0, ...findings.map(({ check }) => check.length));
  const of = {
    ok: paint.green,
    warning: paint.yellow,
    failure: paint.red,
    skipped: paint.dim,
  } as const;
  const gap = ' '.repeat('failure'.length + 2 + widest + 2);
  const many = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;
  return [
    ...findings.map(({ check, state, found, mend }) =>
      [
        `${of[state](state.padEnd('failure'.length))}  ${check.padEnd(widest)}  ${found}`,
        ...(mend === null ? [] : [`${gap}${paint.dim(`mend: ${mend}`)}`]),
      ].join('\n'),
    ),
    '',
    failures + warnings === 0
      ? paint.green('everything is in order')
      : `${many(failures, 'failure')}, ${many(warnings, 'warning')}`,
  ].join('\n');
}
