import type { Command } from 'commander';
import { LIMITS } from '../core/limits.ts';
import { formatAmount } from '../core/money.ts';
import { oneLine } from '../core/text.ts';
import type { Person } from '../people/directory.ts';
import { storeDirectory } from '../people/storeDirectory.ts';
import { type HandOverRow, listHandOvers } from '../store/handovers.ts';
import { type InboxRow, listInbox } from '../store/inbox.ts';
import { verbsText } from './approvals.ts';
import { named, repeated } from './options.ts';
import type { Run } from './program.ts';
import { refusalText, whoMay } from './reply.ts';
import type { Session } from './session.ts';
import { duration, facts, moment } from './table.ts';
import type { Colors } from './terminal.ts';

interface InboxFlags {
  readonly as: string;
  readonly role?: readonly string[];
  readonly all: boolean;
}

/** What waits for one person. Reads the store alone. */
export function addInboxCommand(program: Command, run: Run): void {
  program
    .command('inbox')
    .description(
      'list what waits for you, the nearest deadline first: requests, then conversations to take over',
    )
    .requiredOption('--as <name>', 'who you are', named)
    .option('--role <role>', 'a role of yours that the directory does not know; may be repeated', repeated)
    .option('--all', 'what waits for others too, with the reason why it is not for you', false)
    .action((flags: InboxFlags) => run((session) => inbox(session, flags)));
}

/** What `inbox` answers: plain JSON. */
export interface ShownInbox {
  readonly as: string;
  readonly roles: readonly string[];
  readonly tenant: string | null;
  readonly requests: readonly InboxRow[];
  readonly handOvers: readonly HandOverRow[];
}

async function inbox(session: Session, { as, role = [], all }: InboxFlags): Promise<undefined> {
  const limit = LIMITS.listRows;
  const { person, shown } = await session.store(async (sql) => {
    const known = (await storeDirectory(sql).find([as])).get(as) ?? null;
    const tenant = known?.tenant ?? null;
    const roles = [...new Set([...(known?.roles ?? []), ...role])];
    // Whoever has no word sees what there is only when they ask for everything.
    const mute = muteBecause(known) !== null && !all;
    const [requests, handOvers] = mute
      ? [[], []]
      : await Promise.all([
          listInbox(sql, { id: as, tenant, roles }, { all, limit }),
          listHandOvers(sql, { all: false, limit, tenant: all ? null : tenant }),
        ]);
    return { person: known, shown: { as, roles, tenant, requests, handOvers } satisfies ShownInbox };
  });
  session.terminal.show(shown, (value, paint) => inboxText(value, paint));
  const words = noteOn(as, person);
  if (words !== null) session.terminal.note(words);
  if (shown.requests.length === limit || shown.handOvers.length === limit)
    session.terminal.note(`there may be more: ${limit} of a kind are shown at most`);
  return undefined;
}

function muteBecause(person: Person | null): string | null {
  if (person === null) return null;
  if (!person.active) return 'is not active in the directory any more';
  return person.kind === 'service' ? 'is a service account' : null;
}

/** What the reader should know about themselves. */
function noteOn(as: string, person: Person | null): string | null {
  const mute = muteBecause(person);
  if (mute !== null) return `${as} ${mute}: no decision of theirs counts`;
  return person === null
    ? `nobody called ${as} is in the directory: where decisions are signed theirs are refused ("holdfast people set ${as} --by NAME" adds them)`
    : null;
}

const URGENT_MS = 3_600_000;
const TEXT_CHARS = 300;

export function inboxText(shown: ShownInbox, paint: Colors): string {
  const { requests, handOvers, as } = shown;
  if (requests.length + handOvers.length === 0) return `nothing waits for ${as}`;
  return [
    ...requests.map((row) => requestText(row, as, paint)),
    ...handOvers.map((row) => handOverText(row, as, paint)),
  ].join('\n\n');
}

function requestText(row: InboxRow, as: string, paint: Colors): string {
  const left = `${duration(row.leftMs)} left`;
  const who = whoMay(row);
  return [
    `${paint.bold(row.summary)}  ${(row.leftMs < URGENT_MS ? paint.red : paint.yellow)(`[${left}]`)}`,
    facts(
      [
        ['kind', row.kind === 'call' ? null : row.kind],
        ['amount', row.amount === null ? null : formatAmount(row.amount)],
        ['agent', `${row.agent ?? 'unknown'}, for ${row.requester}`],
        ['why', row.reason],
        ['quoted', row.quote === null ? null : `"${oneLine(row.quote, TEXT_CHARS)}"`],
        ['evidence', row.evidence === null ? null : oneLine(row.evidence, TEXT_CHARS)],
        ['asked', `${duration(row.ageMs)} ago${remindedText(row.reminded)}`],
        ['who', row.quorum <= 1 ? who : `${row.quorum} people of: ${who} (${row.votes} said yes)`],
        row.why === null ? ['decide', verbsText(row, word(as))] : ['not you', refusalText(row.why, row)],
      ],
      paint,
    ),
  ].join('\n');
}

function handOverText(row: HandOverRow, as: string, paint: Colors): string {
  return [
    `${paint.bold(`take over: ${oneLine(row.summary, TEXT_CHARS)}`)}${row.overdue ? `  ${paint.red('[overdue]')}` : ''}`,
    facts(
      [
        ['agent', row.agent],
        ['queue', row.escalatedTo === null ? row.queue : `${row.queue}, then ${row.escalatedTo}`],
        ['since', `${moment(row.openedAt)} UTC${remindedText(row.reminded)}`],
        ['accept', `holdfast accept ${row.run} --by ${word(as)}`],
      ],
      paint,
    ),
  ].join('\n');
}

function remindedText(times: number): string {
  return times === 0 ? '' : `, reminded ${times === 1 ? 'once' : `${times} times`}`;
}

/** As a word of a command line. */
function word(text: string): string {
  return /^[\w.@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
