import type { Command } from 'commander';
import type { HoldfastClient, Steer } from '../client.ts';
import { LIMITS } from '../core/limits.ts';
import {
  liftSwitch,
  listSwitches,
  type Switch,
  type SwitchChange,
  setSwitch,
  switchNamesSomething,
} from '../store/switches.ts';
import { CommandError } from './failures.ts';
import { named } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { moment, table } from './table.ts';
import type { Colors } from './terminal.ts';
import { type Woken, wakeHeldRuns } from './wake.ts';

interface StopFlags {
  readonly agent?: string;
  readonly tool?: string;
  readonly tenant?: string;
  readonly all?: true;
  readonly off?: true;
  readonly list?: true;
  readonly by?: string;
  readonly reason?: string;
}

/** Kill switches: effects that meet one are held, and so are their runs, until it is lifted. Reads go on. */
export function addStopCommand(program: Command, run: Run): void {
  program
    .command('stop')
    .description('stop every new effect of an agent, a tool, a tenant or all of them; runs hold until --off')
    .option('--agent <name>', 'of this agent', named)
    .option('--tool <name>', 'of this tool, in every agent', named)
    .option('--tenant <id>', 'for customers of this tenant', named)
    .option('--all', 'of the whole fleet')
    .option('--off', 'lift the switch again and wake the runs that it held')
    .option('--list', 'show what is stopped right now')
    .option('--by <name>', 'who does it', named)
    .option('--reason <text>', 'why; people who wait read it', named)
    .action((flags: StopFlags) =>
      run((session) => {
        if (flags.list === true) return list(session, flags);
        const change = changeOf(flags);
        return flags.off === true ? lift(session, change) : stop(session, change);
      }),
    );
}

/** The one switch that the flags name, with who and why. */
function changeOf(flags: StopFlags): SwitchChange {
  const names = namesOf(flags);
  const [name] = names;
  if (name === undefined || names.length > 1)
    throw usage(
      `exactly one of --agent, --tool, --tenant and --all says what to stop, not ${names.length === 0 ? 'none' : names.join(' and ')} (or --list to see what is stopped)`,
    );
  const { by, reason } = flags;
  if (by === undefined || reason === undefined)
    throw usage('--by and --reason are needed: who does it, and why');
  return { name, by, reason };
}

function namesOf({ agent, tool, tenant, all }: StopFlags): readonly string[] {
  return [
    ...(agent === undefined ? [] : [`agent:${agent}`]),
    ...(tool === undefined ? [] : [`tool:${tool}`]),
    ...(tenant === undefined ? [] : [`tenant:${tenant}`]),
    ...(all === true ? ['fleet'] : []),
  ];
}

function usage(message: string): CommandError {
  return new CommandError('usage', 'usage', message);
}

async function stop(session: Session, change: SwitchChange): Promise<undefined> {
  const known = await session.store(async (sql) => {
    await setSwitch(sql, change);
    return switchNamesSomething(sql, change.name);
  });
  if (!known)
    session.terminal.note(
      `nothing here is called ${change.name}: the switch is set, but check the name (holdfast release list)`,
    );
  session.terminal.show({ ...change, state: 'stopped' }, (shown, paint) =>
    [
      `${paint.red('stopped')} ${shown.name}: no new effect starts; what had started before is on record and ends by itself`,
      `lift it with: holdfast stop ${flagsOf(shown.name)} --off --by <you> --reason <why>`,
    ].join('\n'),
  );
  return undefined;
}

/** The flags that name a switch. */
export function flagsOf(name: string): string {
  if (name === 'fleet') return '--all';
  const at = name.indexOf(':');
  return `--${name.slice(0, at)} '${name.slice(at + 1)}'`;
}

async function lift(session: Session, change: SwitchChange): Promise<undefined> {
  const lifted = await session.store((sql) => liftSwitch(sql, change));
  if (!lifted)
    throw new CommandError(
      'notFound',
      'not_found',
      `${change.name} is not stopped: see what is with "holdfast stop --list"`,
    );
  const woken = await wakeHeldRuns(session, change, wakeRun);
  if (woken.problem !== null)
    session.terminal.note(
      `${change.name} is lifted, but not all held runs were told (${woken.problem}): those look again by themselves within ${LIMITS.heldRetryMs / 60_000} minutes`,
    );
  session.terminal.show({ ...change, state: 'lifted', ...woken }, (shown, paint) => liftedText(shown, paint));
  return undefined;
}

/** What tells a held run to look again at once. */
function wakeRun(holdfast: HoldfastClient, input: Steer): Promise<void> {
  return holdfast.retry(input);
}

function liftedText(shown: Woken & { readonly name: string }, paint: Colors): string {
  const gone = shown.gone === 0 ? '' : `, ${shown.gone} had ended`;
  return `${paint.green('lifted')} ${shown.name}: ${shown.woken} held runs woken${gone}`;
}

async function list(session: Session, flags: StopFlags): Promise<undefined> {
  if (namesOf(flags).length > 0 || flags.off === true)
    throw usage('--list stands alone: it shows all switches');
  const switches = await session.store(listSwitches);
  session.terminal.show({ switches }, (shown, paint, columns) =>
    switchesText(shown.switches, paint, columns),
  );
  return undefined;
}

function switchesText(switches: readonly Switch[], paint: Colors, columns: number): string {
  if (switches.length === 0) return 'nothing is stopped';
  return table(
    ['stopped', 'since (UTC)', 'by', 'reason'],
    switches.map((one) => [{ text: one.name, paint: paint.red }, moment(one.setAt), one.setBy, one.reason]),
    paint,
    columns,
  );
}
