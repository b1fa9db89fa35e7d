import { isObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { utf8Bytes, wellFormed } from '../core/text.ts';
import type { Person } from './directory.ts';

export type ParsedPeople =
  | { readonly kind: 'ok'; readonly people: readonly Person[] }
  | { readonly kind: 'bad'; readonly problems: readonly string[] };

/**
 * Reads a file of people: a JSON array of `{ id, name?, kind?, tenant?, roles?, active? }`. Each entry says the whole
 * of a person: without a name it is the id, without a kind a person, without a tenant they may speak for every tenant,
 * without roles they have none. Names every problem, with the entry that has it; one problem refuses the whole file.
 */
export function parsePeople(text: string): ParsedPeople {
  const bytes = utf8Bytes(text);
  if (bytes > LIMITS.peopleFileBytes)
    return bad(`the file has ${bytes} bytes, the limit is ${LIMITS.peopleFileBytes}: import it in parts`);
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch (error) {
    return bad(`the file is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (!Array.isArray(entries)) return bad('the file is not a JSON array of people, such as [{"id": "anna"}]');
  if (entries.length > LIMITS.importedPeople)
    return bad(
      `the file has ${entries.length} people, the limit is ${LIMITS.importedPeople}: import it in parts`,
    );
  const problems = entries.flatMap(problemsOf);
  const seen = new Map<unknown, number>();
  for (const [i, entry] of entries.entries()) {
    const id: unknown = isObject(entry) ? entry.id : undefined;
    const first = seen.get(id);
    if (typeof id === 'string' && first !== undefined)
      problems.push(`entry ${i + 1} ("${id}"): entry ${first + 1} has the same id`);
    if (first === undefined) seen.set(id, i);
  }
  if (problems.length > 0) return { kind: 'bad', problems };
  return { kind: 'ok', people: entries.map(personOf) };
}

/** Why this text cannot name a person, a role or a tenant; null when it can. */
export function nameProblem(text: unknown): string | null {
  if (typeof text !== 'string' || text === '') return 'text of 1 character or more';
  if (text.length > LIMITS.personChars)
    return `text of at most ${LIMITS.personChars} characters, not ${text.length}`;
  // Deciders are compared with these names after theirs were cleaned: another form would never be met.
  return wellFormed(text) !== text || text.trim() !== text
    ? 'well-formed text without spaces around it'
    : null;
}

/** Why this is no list of roles; null when it is one. */
export function rolesProblem(roles: unknown): string | null {
  if (!Array.isArray(roles) || roles.length > LIMITS.rolesPerPerson)
    return `a list of at most ${LIMITS.rolesPerPerson} roles`;
  const wrong = roles.map(nameProblem).find((problem) => problem !== null);
  if (wrong !== undefined) return `a list of roles, each ${wrong}`;
  return new Set(roles).size < roles.length ? 'a list in which no role comes twice' : null;
}

const MEMBERS = ['id', 'name', 'kind', 'tenant', 'roles', 'active'];

function problemsOf(entry: unknown, i: number): readonly string[] {
  const where = `entry ${i + 1}`;
  if (!isObject(entry)) return [`${where}: an object with an id, such as {"id": "anna"}`];
  const { id, name = 'x', kind = 'person', tenant = null, roles = [], active = true } = entry;
  const named = typeof id === 'string' ? `${where} ("${id.slice(0, LIMITS.idChars)}")` : where;
  const check = (member: string, wanted: string | null) =>
    wanted === null ? [] : [`${named}: ${member} must be ${wanted}`];
  return [
    ...check('id', nameProblem(id)),
    ...check('name', nameProblem(name)),
    ...check('kind', kind === 'person' || kind === 'service' ? null : '"person" or "service"'),
    ...check('tenant', tenant === null ? null : nameProblem(tenant)),
    ...check('roles', rolesProblem(roles)),
    ...check('active', typeof active === 'boolean' ? null : 'true or false'),
    // A slip of the pen ("role") must not silently leave somebody without, or with, a right.
    ...Object.keys(entry)
      .filter((member) => !MEMBERS.includes(member))
      .map((member) => `${named}: "${member.slice(0, LIMITS.idChars)}" is no member: ${MEMBERS.join(', ')}`),
  ];
}

function personOf(entry: Partial<Person> & Pick<Person, 'id'>): Person {
  const { id, name = id, kind = 'person', tenant = null, roles = [], active = true } = entry;
  return { id, name, kind, tenant, roles, active };
}

function bad(problem: string): ParsedPeople {
  return { kind: 'bad', problems: [problem] };
}
