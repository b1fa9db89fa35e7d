import type { OperatorService } from '@temporalio/client';

/** `temporal.api.enums.v1.IndexedValueType`. */
const INDEXED = { Keyword: 2, Int: 3 } as const;

export type SearchAttributeTypes = Readonly<Record<string, keyof typeof INDEXED>>;

/**
 * Registers the search attributes that a namespace lacks. Rejects where the server does not let us (a managed one):
 * then the operator has to. A dev server's own flags do this for a new database file only.
 */
export async function registerSearchAttributes(
  operatorService: OperatorService,
  namespace: string,
  types: SearchAttributeTypes,
): Promise<void> {
  const { missing } = await compareSearchAttributes(operatorService, namespace, types);
  if (missing.length === 0) return;
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, INDEXED[type]])),
  });
}

type Attributes = readonly (readonly [name: string, type: keyof typeof INDEXED])[];

/** Search attributes that a namespace lacks, and those it has with another type. */
export async function compareSearchAttributes(
  operatorService: OperatorService,
  namespace: string,
  types: SearchAttributeTypes,
): Promise<{ readonly missing: Attributes; readonly different: Attributes }> {
  const wanted = Object.entries(types);
  if (wanted.length === 0) return { missing: [], different: [] };
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const there = customAttributes ?? {};
  return {
    missing: wanted.filter(([name]) => !(name in there)),
    different: wanted.filter(([name, type]) => name in there && there[name] !== INDEXED[type]),
  };
}
