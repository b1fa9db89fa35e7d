/** What `--quick` promises, from the start of the process to its last word. */
const QUICK_MS = 5 * 60_000;

/** Whether a run took no longer than it may: one that is not quick may take any time. Says what is wrong. */
export function isInTime(
  { quick, tookMs = performance.now() }: { readonly quick: boolean; readonly tookMs?: number },
  say: (line: string) => void,
): boolean {
  if (!quick || tookMs <= QUICK_MS) return true;
  const seconds = (ms: number) => `${Math.round(ms / 1_000)} s`;
  say(
    `FAILED: --quick took ${seconds(tookMs)}, and ${seconds(QUICK_MS)} is what it may take; is the machine busy with other work?`,
  );
  return false;
}
