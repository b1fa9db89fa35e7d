import type { NativeConnection } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from './workflows/searchAttributes.ts';

/** `temporal.api.enums.v1.IndexedValueType`. */
const INDEXED = { Keyword: 2, Int: 3 } as const;

/** Registers what the namespace lacks. Where the server does not let us (a managed one), the operator has to. */
export async function registerSearchAttributes(
  connection: NativeConnection,
  namespace: string,
): Promise<void> {
  const { operatorService } = connection;
  const listed = await operatorService.listSearchAttributes({ namespace }).catch(() => null);
  if (listed === null) return;
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(
    ([name]) => !(name in (listed.customAttributes ?? {})),
  );
  if (missing.length === 0) return;
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, INDEXED[type]])),
  });
}
