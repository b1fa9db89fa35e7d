/** What an impatient worker has instead of `LIMITS.modelStallMs`, `modelCallMs`, `circuitOpenFirstMs` and `circuitOpenMaxMs`. */
export const IMPATIENCE = { stallMs: 2_000, callMs: 6_000, openFirstMs: 500, openMaxMs: 4_000 } as const;
