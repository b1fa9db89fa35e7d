import { type Command, InvalidArgumentError } from 'commander';
import { runOf } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { printable } from '../core/text.ts';
import { newestAnchor } from '../store/anchors.ts';
import { firstBrokenRow } from '../store/audit.ts';
import { readStory, type Story, tell } from '../store/auditStory.ts';
import type { Sql } from '../store/connection.ts';
import { type Fault, type Integrity, verifyAudit } from '../store/integrity.ts';
import type { KeptAnchor } from '../store/integrityAnchors.ts';
import { findRun } from '../store/views.ts';
import { CommandError, EXIT_CODES } from './failures.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { facts, moment } from './table.ts';
import type { Colors } from './terminal.ts';

/** The record of what people and agents did, and the proof that it is the one that was written. */
export function addAuditCommands(program: Command, run: Run): void {
  const audit = program.command('audit').description('read the audit, and check that nobody edited it');
  audit
    .command('verify')
    .description('check every chain, anchor and effect on record; names the first broken link')
    .argument('[id]', 'only this run: workflow id, run id or the name of a chain')
    .option(
      '--anchor <n:hash>',
      'an anchor that was kept elsewhere must be among those of the store',
      keptAnchor,
    )
    .action((id: string | undefined, flags: { readonly anchor?: KeptAnchor }) =>
      run((session) => verify(session, id, flags.anchor)),
    );
  audit
    .command('show')
    .description('tell what happened in a run: who did what, when and through which channel')
    .argument('<id>', 'workflow id, run id, approval id, or agent:NAME, people, rules, switches')
    .action((id: string) => run((session) => show(session, id)));
  audit
    .command('anchor')
    .description('print the newest anchor, to be kept outside of the database (for verify --anchor)')
    .action(() => run(anchor));
}

function keptAnchor(text: string): KeptAnchor {
  const match = /^([1-9]\d{0,8}):([0-9a-f]{64})$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError(`"${text}" is not N:HASH, as "holdfast audit anchor" prints it.`);
  return { n: Number(match[1]), hash: match[2] ?? '' };
}

async function verify(
  session: Session,
  id: string | undefined,
  kept: KeptAnchor | undefined,
): Promise<number | undefined> {
  const { terminal } = session;
  const work = async (sql: Sql) =>
    verifyAudit(sql, {
      ...(id !== undefined && { run: await findChain(sql, id) }),
      ...(kept !== undefined && { kept }),
      onProgress: (rows) => terminal.progress(`${rows} rows read`),
    });
  const found = await session
    .store(work, { timeoutMs: LIMITS.auditVerifyMs })
    .finally(() => terminal.progress(''));
  const [broken = null] = found.faults;
  terminal.show({ whole: broken === null, broken, ...found }, (shown, paint) => verdictText(shown, paint));
  if (found.unanchored.overdue)
    terminal.note(
      `${found.unanchored.rows} rows, the oldest of ${time(found.unanchored.oldestUs ?? 0)} UTC, are in no anchor yet: no worker runs that would write one, or anchors were removed (--anchor shows it)`,
    );
  return broken === null ? undefined : EXIT_CODES.tampered[0];
}

function verdictText(shown: Integrity & { readonly broken: Fault | null }, paint: Colors): string {
  const { broken, newestAnchor: newest } = shown;
  const verdict =
    broken === null
      ? paint.green('the audit is whole')
      : `${paint.red('the audit is broken:')} ${faultText(broken)}`;
  const others = shown.faults.slice(1).map((fault) => `  ${paint.red('also')} ${faultText(fault)}`);
  const unnamed = shown.faultCount - shown.faults.length;
  return [
    verdict,
    ...others,
    ...(unnamed > 0 ? [`  and ${unnamed} more`] : []),
    facts(
      [
        ['rows', `${shown.rows} in ${shown.chains} chains`],
        ['anchors', String(shown.anchors)],
        ['newest', newest === null ? null : `${newest.n}:${newest.hash} (${time(newest.atUs)} UTC)`],
      ],
      paint,
    ),
  ].join('\n');
}

function faultText({ run, problem }: Fault): string {
  return run === null ? problem : `${run}: ${problem}`;
}

async function show(session: Session, id: string): Promise<number | undefined> {
  const story = await session.store(async (sql) => readStory(sql, await findChain(sql, id)));
  const { run, rows } = story;
  session.terminal.show(story, storyText);
  const broken = firstBrokenRow(run, rows);
  if (broken === null) return undefined;
  session.terminal.note(
    `row ${broken} was tampered with, or the one before it: "holdfast audit verify ${run}" says more`,
  );
  return EXIT_CODES.tampered[0];
}

function storyText(story: Story, paint: Colors): string {
  const { rows, run } = story;
  if (rows.length === 0) return `the audit of ${run} is empty`;
  const width = String(rows.at(-1)?.seq).length;
  return rows
    .map((row) => {
      const { words, grave } = tell(story, row);
      const seq = paint.dim(String(row.seq).padStart(width));
      // Facts are JSON: what could steer a terminal appears only when they are read.
      const safe = printable(words);
      return `${seq}  ${paint.dim(time(row.at_us))}  ${grave ? paint.yellow(safe) : safe}`;
    })
    .join('\n');
}

async function anchor(session: Session): Promise<undefined> {
  const newest = await session.store(newestAnchor);
  if (newest === null)
    throw new CommandError(
      'notFound',
      'no_anchor',
      'there is no anchor yet: a worker writes one in every minute in which something was audited',
    );
  const { n, hash, heads, at_us } = newest;
  session.terminal.show(
    { n, hash, heads, at: new Date(at_us / 1_000).toISOString() },
    (shown) => `${shown.n}:${shown.hash}`,
  );
  return undefined;
}

/** The chain that `id` means. A chain that is gone is still known by the anchors that saw it. */
async function findChain(sql: Sql, id: string): Promise<string> {
  const [known] = await sql`
    select from audit where run = ${id} union all select from anchored_heads where run = ${id} limit 1`;
  if (known !== undefined) return id;
  const found = await findRun(sql, runOf(id) ?? id);
  if (found !== null) return found.row.run;
  throw new CommandError(
    'notFound',
    'not_found',
    `there is no run and no chain "${id}" in the store: list runs with "holdfast list"`,
  );
}

/** Microseconds as a moment, as far as they are one: an edited time is any number. */
function time(atUs: number): string {
  return Math.abs(atUs) > 8.64e18 ? String(atUs) : moment(new Date(atUs / 1_000).toISOString());
}
