import type { Bundle } from '../../src/replay/bundle.ts';

/** A change of workflow code that breaks what runs have done already. */
export interface PlantedChange {
  readonly what: string;
  /** Stands in the compiled code exactly once. */
  readonly from: RegExp;
  readonly to: string;
}

export const PLANTED_CHANGES: readonly PlantedChange[] = [
  {
    what: 'a removed activity',
    from: /_proxies_ts__WEBPACK_IMPORTED_MODULE_\d+__\.forEver\.endRun\.executeWithOptions\(/,
    to: '(async () => ({ head: null }))(',
  },
  {
    what: 'a changed activity type',
    from: /(_proxies_ts__WEBPACK_IMPORTED_MODULE_\d+__\.store)\.openApprovals\.executeWithOptions\(/,
    to: '$1.keepTexts.executeWithOptions(',
  },
  {
    what: 'reordered commands',
    from: /(if \(asked\.length > 0\) await [^;]+;)\s+(startReady\(run, [^;]+;)/,
    to: '$2 $1',
  },
  {
    what: 'an extra timer',
    from: /(async function converse\(run\) \{)/,
    to: '$1 await (0,_temporalio_workflow__WEBPACK_IMPORTED_MODULE_0__.condition)(() => false, 1);',
  },
];

const SOURCE_MAP = '//# sourceMappingURL';

/** The bundle with a change in it. */
export function plant({ code }: Bundle, { what, from, to }: PlantedChange): Bundle {
  const at = code.lastIndexOf(SOURCE_MAP);
  const own = code.slice(0, at);
  const places = [...own.matchAll(new RegExp(from, 'g'))].length;
  if (places !== 1)
    throw new Error(
      `${what}: the compiled workflows hold ${places} places with ${from}, one is needed: correct plant.ts`,
    );
  return { code: own.replace(from, to) + code.slice(at) };
}
