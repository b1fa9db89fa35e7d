import { open } from 'node:fs/promises';
import type { Command } from 'commander';
import { LIMITS } from '../core/limits.ts';
import type { Person } from '../people/directory.ts';
import { nameProblem, parsePeople, rolesProblem } from '../people/file.ts';
import {
  importPeople,
  listPeople,
  type PersonEdit,
  type PersonRow,
  removePerson,
  setPerson,
} from '../people/storeDirectory.ts';
import { CommandError } from './failures.ts';
import { repeated, wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { moment, table } from './table.ts';
import type { Colors } from './terminal.ts';

interface SetFlags {
  readonly by: string;
  readonly name?: string;
  readonly role?: readonly string[];
  readonly roles: boolean;
  readonly tenant?: string;
  readonly everyTenant?: boolean;
  readonly service?: boolean;
  readonly person?: boolean;
}

/** Who may decide: people, their roles, their tenants. Every change is audited as the chain `people`. */
export function addPeopleCommands(program: Command, run: Run): void {
  const people = program.command('people').description('see and change who may decide, and with which roles');
  people
    .command('list', { isDefault: true })
    .description('list people by id')
    .option('--all', 'those who were removed, too', false)
    .option('--limit <n>', 'how many at most', wholeNumber(1, LIMITS.importedPeople), LIMITS.importedPeople)
    .action((flags: { readonly all: boolean; readonly limit: number }) =>
      run((session) => list(session, flags)),
    );
  people
    .command('set')
    .description('add a person, or change one; what is not named stays as it is')
    .argument('<id>', 'as in --by of decisions')
    .requiredOption('--by <name>', 'who changes it')
    .option('--name <text>', 'how lists call them')
    .option('--role <name>', 'a role; repeat it for several, which replace those of before', repeated)
    .option('--no-roles', 'take every role away')
    .option('--tenant <name>', 'may decide about runs of this tenant only')
    .option('--every-tenant', 'may decide about runs of every tenant')
    .option('--service', 'a service account: it has no word on anything')
    .option('--person', 'a person, and no service account')
    .action((id: string, flags: SetFlags) => run((session) => set(session, id, flags)));
  people
    .command('remove')
    .description('take a person’s word away; what they decided before stands')
    .argument('<id>')
    .requiredOption('--by <name>', 'who removes them')
    .action((id: string, flags: { readonly by: string }) => run((session) => remove(session, id, flags.by)));
  people
    .command('import')
    .description('add and change people from a JSON file, all of them or none')
    .argument('<file>', 'an array of { id, name, kind, tenant, roles, active }')
    .requiredOption('--by <name>', 'who imports it')
    .option('--replace', 'remove everybody whom the file does not name', false)
    .action((file: string, flags: { readonly by: string; readonly replace: boolean }) =>
      run((session) => importFile(session, file, flags)),
    );
}

async function list(
  session: Session,
  flags: { readonly all: boolean; readonly limit: number },
): Promise<undefined> {
  const people = await session.store((sql) => listPeople(sql, flags));
  session.terminal.show({ people }, (shown, paint, columns) =>
    shown.people.length === 0
      ? 'no people: add one with "holdfast people set ID --role ROLE --by YOU"'
      : table(
          ['id', 'name', 'tenant', 'changed (UTC)', 'by', 'roles'],
          shown.people.map((person) => [
            person.id,
            person.name,
            person.tenant ?? 'every',
            moment(person.updatedAt),
            person.updatedBy,
            standing(person, paint),
          ]),
          paint,
          columns,
        ),
  );
  return undefined;
}

function standing(person: PersonRow, paint: Colors) {
  if (!person.active) return { text: 'removed', paint: paint.red };
  if (person.kind === 'service') return { text: 'service account', paint: paint.yellow };
  return { text: person.roles.join(', '), paint: paint.green };
}

async function set(session: Session, id: string, flags: SetFlags): Promise<undefined> {
  const edit = editOf(flags);
  check('<id>', nameProblem(id));
  check('--by', nameProblem(flags.by));
  const done = await session.store((sql) => setPerson(sql, id, edit, flags.by));
  session.terminal.show(done, (shown, paint) =>
    shown.change === 'same'
      ? `${shown.person.id} is so already: ${personText(shown.person)}`
      : `${paint.green(shown.change)} ${shown.person.id}: ${personText(shown.person)}`,
  );
  return undefined;
}

function editOf(flags: SetFlags): PersonEdit {
  const { name, role, roles, tenant, everyTenant, service, person } = flags;
  either('--role', role !== undefined, '--no-roles', !roles);
  either('--tenant', tenant !== undefined, '--every-tenant', everyTenant === true);
  either('--service', service === true, '--person', person === true);
  if (name !== undefined) check('--name', nameProblem(name));
  if (role !== undefined) check('--role', rolesProblem(role));
  if (tenant !== undefined) check('--tenant', nameProblem(tenant));
  return {
    ...(name !== undefined && { name }),
    ...(role !== undefined && { roles: role }),
    ...(!roles && { roles: [] }),
    ...(tenant !== undefined && { tenant }),
    ...(everyTenant === true && { tenant: null }),
    ...(service === true && { kind: 'service' }),
    ...(person === true && { kind: 'person' }),
  };
}

async function remove(session: Session, id: string, by: string): Promise<undefined> {
  check('--by', nameProblem(by));
  const change = await session.store((sql) => removePerson(sql, id, by));
  if (change === null)
    throw new CommandError(
      'notFound',
      'not_found',
      `nobody is called "${id}": list them with "holdfast people"`,
    );
  session.terminal.show({ id, change }, (shown, paint) =>
    shown.change === 'same'
      ? `${shown.id} was removed before`
      : `${paint.green('removed')} ${shown.id}: no decision of theirs counts from now on`,
  );
  return undefined;
}

async function importFile(
  session: Session,
  file: string,
  flags: { readonly by: string; readonly replace: boolean },
): Promise<undefined> {
  check('--by', nameProblem(flags.by));
  const parsed = parsePeople(await readBounded(file));
  if (parsed.kind === 'bad')
    throw new CommandError(
      'usage',
      'bad_file',
      [`${file} is not imported, nothing was changed:`, ...shorten(parsed.problems)].join('\n  - '),
    );
  const counts = await session.store((sql) => importPeople(sql, parsed.people, flags));
  session.terminal.show(
    { file, ...counts },
    (shown, paint) =>
      `${paint.green('imported')} ${shown.file}: ${shown.added} added, ${shown.changed} changed, ${shown.removed} removed, ${shown.same} as before`,
  );
  return undefined;
}

const PROBLEMS_SHOWN = 20;

function shorten(problems: readonly string[]): readonly string[] {
  const more = problems.length - PROBLEMS_SHOWN;
  return more <= 0 ? problems : [...problems.slice(0, PROBLEMS_SHOWN), `and ${more} more`];
}

/** At most one byte more than a file of people may have: the size is judged with the content. */
async function readBounded(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(LIMITS.peopleFileBytes + 1) });
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new CommandError(
      'usage',
      'bad_file',
      `${file} cannot be read (${code}): give the path of a JSON file`,
    );
  }
}

function personText(person: Person): string {
  const { kind, tenant, roles } = person;
  if (kind === 'service') return 'a service account, which has no word on anything';
  const what = roles.length === 0 ? 'no roles' : `roles ${roles.join(', ')}`;
  return `${what}, ${tenant === null ? 'every tenant' : `tenant ${tenant} only`}`;
}

function check(option: string, wanted: string | null): void {
  if (wanted !== null) throw new CommandError('usage', 'usage', `${option} must be ${wanted}`);
}

function either(one: string, hasOne: boolean, other: string, hasOther: boolean): void {
  if (hasOne && hasOther) throw new CommandError('usage', 'usage', `say ${one} or ${other}, not both`);
}
