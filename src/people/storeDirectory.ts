import { part, type Sql, type Transaction } from '../store/connection.ts';
import type { Directory, Person } from './directory.ts';

// The table `people`: what the store knows of who is who. Every change leaves a row in the audit chain `people`.

/** What a change came to; `same` changed nothing and is not audited. */
export type PersonChange = 'added' | 'changed' | 'removed' | 'same';

export function storeDirectory(sql: Sql): Directory {
  return {
    find: async (ids) => {
      const rows = await sql<PersonRow[]>`select ${COLUMNS} from people where id = any(${[...ids]}::text[])`;
      return new Map(rows.map((row) => [row.id, row]));
    },
  };
}

/** People as lists show them. */
export interface PersonRow extends Person {
  /** ISO 8601, UTC. */
  readonly updatedAt: string;
  readonly updatedBy: string;
}

/** By id; with `all` those who were removed, too. */
export async function listPeople(
  sql: Sql,
  filter: { readonly all: boolean; readonly limit: number },
): Promise<readonly PersonRow[]> {
  return sql<PersonRow[]>`
    select ${COLUMNS} from people where ${filter.all}::boolean or active order by id limit ${filter.limit}`;
}

/** What of a person shall change; what is left out stays, and is empty for somebody new. */
export type PersonEdit = Partial<Omit<Person, 'id'>>;

/** Changes or adds one person, who is active unless the edit says otherwise. */
export async function setPerson(
  sql: Sql,
  id: string,
  edit: PersonEdit,
  by: string,
): Promise<{ readonly change: PersonChange; readonly person: Person }> {
  return sql.begin(async (tx) => {
    const before = await lockPerson(tx, id);
    const { name = id, kind = 'person', tenant = null, roles = [] } = { ...before, ...edit };
    const person: Person = { id, name, kind, tenant, roles, active: edit.active ?? true };
    return { change: await writePerson(tx, person, by), person };
  });
}

/** Takes a person's word away; the row stays, for what they once decided. Null when nobody has this id. */
export async function removePerson(sql: Sql, id: string, by: string): Promise<PersonChange | null> {
  return sql.begin(async (tx) => {
    const before = await lockPerson(tx, id);
    return before === null ? null : writePerson(tx, { ...before, active: false }, by);
  });
}

export type ImportCounts = Readonly<Record<PersonChange, number>>;

/** All of them or none. With `replace` those whom the list does not name are removed. */
export async function importPeople(
  sql: Sql,
  people: readonly Person[],
  options: { readonly by: string; readonly replace: boolean },
): Promise<ImportCounts> {
  const { by, replace } = options;
  const list = JSON.stringify(people);
  const ids = people.map((person) => person.id);
  return sql.begin(async (tx) => {
    await tx`select lock_run('people')`;
    const changes = await tx<{ change: PersonChange }[]>`
      select set_person(id, name, kind, tenant, roles, active, ${by}) as change
      from jsonb_to_recordset(${list}::text::jsonb)
        as person (id text, name text, kind text, tenant text, roles text[], active boolean)`;
    const missing = replace
      ? await tx<{ change: PersonChange }[]>`
          select set_person(id, name, kind, tenant, roles, false, ${by}) as change
          from (select * from people where active and not id = any(${ids}::text[]) order by id) gone`
      : [];
    const all = [...changes, ...missing].map((row) => row.change);
    const count = (change: PersonChange) => all.filter((one) => one === change).length;
    return {
      added: count('added'),
      changed: count('changed'),
      removed: count('removed'),
      same: count('same'),
    };
  });
}

/** One change of people at a time: what is read here is what is written over. */
async function lockPerson(tx: Transaction, id: string): Promise<Person | null> {
  await tx`select lock_run('people')`;
  const [row] = await tx<Person[]>`select id, name, kind, tenant, roles, active from people where id = ${id}`;
  return row ?? null;
}

async function writePerson(tx: Transaction, person: Person, by: string): Promise<PersonChange> {
  const { id, name, kind, tenant, roles, active } = person;
  const [row] = await tx<{ change: PersonChange }[]>`
    select set_person(${id}, ${name}, ${kind}, ${tenant}, ${[...roles]}::text[], ${active}, ${by}) as change`;
  if (row === undefined) throw new Error(`person "${id}" was not written`);
  return row.change;
}

const COLUMNS = part`id, name, kind, tenant, roles, active, updated_by as "updatedBy",
    to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "updatedAt"`;
