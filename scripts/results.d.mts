export declare function countResults(options: { readonly resultsFile: string; readonly code: number }): {
  readonly passed: number;
  readonly failed: number;
  readonly notes: readonly string[];
};
