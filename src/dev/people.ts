import { removePerson, setPerson } from '../people/storeDirectory.ts';
import type { Stage } from './play.ts';

/** Somebody of the demo, as the directory knows them. */
export interface DemoPerson {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
}

/**
 * Adds somebody to the directory until the demo ends. Their word counts for the runs of this one tenant, which only
 * the demo has: the database may be one that is used in earnest.
 */
export async function addPerson(
  { sql, onEnd }: Pick<Stage, 'sql' | 'onEnd'>,
  tenant: string,
  who: Omit<DemoPerson, 'id'>,
): Promise<DemoPerson> {
  const { name, roles } = who;
  const id = `${name.toLowerCase()}@${tenant}`;
  await setPerson(sql, id, { name, tenant, roles }, 'demo');
  onEnd(() => removePerson(sql, id, 'demo'));
  return { id, name, roles };
}
