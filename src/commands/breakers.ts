import type { Command } from 'commander';
import { BREAKER_KINDS, BREAKER_RULES } from '../core/breakerRules.ts';
import {
  type Breaker,
  breakerKind,
  forceBreaker,
  type Judgement,
  newBreaker,
  releaseBreaker,
  standing,
  whyText,
} from '../core/breakers.ts';
import { LIMITS } from '../core/limits.ts';
import { findBreaker, listBreakers, readGovernor, writeBreaker } from '../store/breakers.ts';
import type { Sql } from '../store/connection.ts';
import { CommandError } from './failures.ts';
import { named } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { duration, moment, table } from './table.ts';
import type { Colors } from './terminal.ts';

interface ForceFlags {
  readonly reason: string;
  readonly by: string;
  readonly for?: number;
}

/** Breakers as they stand, and an operator's word on them. */
export function addBreakerCommands(program: Command, run: Run): void {
  const breakers = program
    .command('breakers')
    .description('show what is held back because it failed or ran away, and overrule it')
    .action(() => run(list));
  for (const stands of ['open', 'closed'] as const)
    breakers
      .command(`${stands === 'open' ? 'open' : 'close'} <name>`)
      .description(
        stands === 'open'
          ? 'hold new runs and effects of it, whatever the readings say'
          : 'let everything of it through, whatever the readings say',
      )
      .requiredOption('--reason <text>', 'why; people who wait read it', named)
      .requiredOption('--by <name>', 'who does it', named)
      .option('--for <time>', 'for how long, such as 30m, 2h or 1d (default: until "auto")', span)
      .action((name: string, flags: ForceFlags) =>
        run((session) =>
          change(session, name, flags.by, (breaker, nowMs) => force(breaker, stands, flags, nowMs)),
        ),
      );
  breakers
    .command('auto <name>')
    .description('take an operator’s word back: the readings decide again')
    .requiredOption('--by <name>', 'who does it', named)
    .action((name: string, flags: { readonly by: string }) =>
      run((session) =>
        change(session, name, flags.by, (breaker, nowMs) => releaseBreaker(breaker, BREAKER_RULES, nowMs)),
      ),
    );
}

function force(breaker: Breaker, stands: 'open' | 'closed', flags: ForceFlags, nowMs: number): Judgement {
  const untilMs = flags.for === undefined ? null : nowMs + flags.for;
  return forceBreaker(breaker, { stands, untilMs, by: flags.by, reason: flags.reason });
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90m` in milliseconds. */
function span(text: string): number {
  const found = /^([1-9]\d{0,5})([mhd])$/.exec(text);
  const ms = found === null ? 0 : Number(found[1]) * UNITS[found[2] as keyof typeof UNITS];
  if (ms < 1 || ms > LIMITS.breakerOverrideMs)
    throw usage(
      `--for is "${text}": a number and m, h or d, such as 2h, at most ${LIMITS.breakerOverrideMs / UNITS.d}d`,
    );
  return ms;
}

function usage(message: string): CommandError {
  return new CommandError('usage', 'usage', message);
}

async function change(
  session: Session,
  name: string,
  by: string,
  judge: (breaker: Breaker, nowMs: number) => Judgement,
): Promise<undefined> {
  if (breakerKind(name) === null)
    throw usage(
      `"${name}" names no breaker: fleet, or ${BREAKER_KINDS.filter((kind) => kind !== 'fleet').join(', ')} with a colon and which, such as tool:refund`,
    );
  const breaker = await session.store((sql) => write(sql, name, by, judge));
  session.terminal.show(shown(breaker), (one, paint) => {
    const end = one.until === null ? '' : `, until ${moment(one.until)} UTC`;
    const forced = one.forcedBy === null ? '' : ` by ${one.forcedBy}`;
    return `${one.name} is ${painted(one, paint)}${forced}${end}`;
  });
  return undefined;
}

async function write(
  sql: Sql,
  name: string,
  by: string,
  judge: (breaker: Breaker, nowMs: number) => Judgement,
): Promise<Breaker> {
  for (let tried = 0; tried < LIMITS.breakerTries; tried++) {
    const { nowMs } = await readGovernor(sql);
    const before = (await findBreaker(sql, name)) ?? { breaker: newBreaker(name), version: 0 };
    const judgement = judge(before.breaker, nowMs);
    if (judgement.event === null)
      throw new CommandError(
        'notFound',
        'not_found',
        `nobody has overruled ${name}: see "holdfast breakers"`,
      );
    if (await writeBreaker(sql, before, judgement, by)) return judgement.breaker;
  }
  throw new CommandError(
    'unexpected',
    'busy',
    `${name} was changed by others again and again: try once more`,
  );
}

/** A breaker as it is printed: plain JSON. */
interface Shown {
  readonly name: string;
  /** As it stands for those who come to it. */
  readonly state: 'closed' | 'open' | 'half_open';
  readonly since: string | null;
  readonly until: string | null;
  readonly opens: number;
  readonly forcedBy: string | null;
  readonly why: string | null;
}

function shown(breaker: Breaker): Shown {
  const { name, state, opens, override } = breaker;
  const untilMs = override === null ? (state.kind === 'closed' ? null : state.untilMs) : override.untilMs;
  return {
    name,
    state: standing(breaker),
    since: state.sinceMs === null ? null : new Date(state.sinceMs).toISOString(),
    until: untilMs === null ? null : new Date(untilMs).toISOString(),
    opens,
    forcedBy: override?.by ?? null,
    why: override?.reason ?? (state.kind === 'closed' ? null : whyText(state.why)),
  };
}

function painted({ state }: Pick<Shown, 'state'>, paint: Colors): string {
  if (state === 'closed') return paint.green('closed');
  return state === 'open' ? paint.red('open') : paint.yellow('half open');
}

async function list(session: Session): Promise<undefined> {
  const { breakers, governor } = await session.store(async (sql) => ({
    breakers: (await listBreakers(sql)).map(({ breaker }) => shown(breaker)),
    governor: await readGovernor(sql),
  }));
  const { ranAtMs, nowMs } = governor;
  session.terminal.show(
    { breakers, governorRanAt: ranAtMs === null ? null : new Date(ranAtMs).toISOString() },
    (all, paint, columns) =>
      [
        all.breakers.length === 0
          ? 'no breaker has ever opened'
          : table(
              ['breaker', 'state', 'until (UTC)', 'forced by', 'why'],
              all.breakers.map((one) => [
                one.name,
                { text: one.state.replace('_', ' '), paint: () => painted(one, paint) },
                one.until === null ? '' : moment(one.until),
                one.forcedBy ?? '',
                one.why ?? '',
              ]),
              paint,
              columns,
            ),
        paint.dim(
          ranAtMs === null
            ? 'the governor has not looked yet'
            : `the governor looked ${duration(Math.max(0, nowMs - ranAtMs))} ago`,
        ),
      ].join('\n'),
  );
  return undefined;
}
