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
  if (Object.keys(types).length === 0) return;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = Object.entries(types).filter(([name]) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return;
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, INDEXED[type]])),
  });
}
