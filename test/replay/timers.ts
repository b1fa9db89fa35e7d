// The kinds of timers that workflow code sets, by the fixed part of what each says of itself.

/** Kinds, and the summaries that are of them. */
export const TIMERS: Readonly<Record<string, RegExp>> = {
  'a decision on': /^a decision on: /,
  'several decisions': /^\d+ decisions, first: /,
  'the switch to be lifted': /^the switch ".+" to be lifted/,
  'the breaker to close': /^the breaker ".+" to close/,
  'begin, once a breaker lets it': /^begin: /,
  'the budget to open again': /^the budget .+ to open again/,
  'idle: a message, or the end': /^idle: a message, or the end$/,
  'landed: continue or stop': /^landed \(\w+\): continue or stop$/,
  paused: /^paused$/,
  'try again after': /^try again after /,
  'parked as a bug': /^parked as a bug$/,
  'senders hear that the run moves': /^senders hear that the run moves$/,
  'the answer to a decision': /^somebody waits for the answer to a decision$/,
  'over: what became of it': /^over: what became of it$/,
};

/** The kind of a timer with this summary; null where nobody has named it here. */
export function timerKind(summary: string): string | null {
  const [kind] = Object.entries({ ...TIMERS, ...BEYOND }).find(([, pattern]) => pattern.test(summary)) ?? [];
  return kind ?? null;
}

/**
 * What no history has to hold. A pause of a week; a step that fails with calls under way, which it waits for itself before
 * the run parks as a bug; a word that is being verified just when its run ends; an error of ours while one is verified.
 */
const BEYOND: Readonly<Record<string, RegExp>> = {
  'who says so, once more': /^try again: /,
  'paused: go on or end': /^paused: go on or end$/,
  'what is under way comes to its end': /^what is under way comes to its end$/,
  'over: who said what last': /^over: who said what last$/,
};

/** What timers of this code say of themselves where it stands beside them, with x for what is put in. */
export function timerWords(code: string): readonly string[] {
  const waits = [...code.matchAll(/\b(?:condition|wait(?:OnRecord|ForPeople|Until))\(([^;]*?)\)[;,]\n/g)];
  return waits
    .flatMap(([, said = '']) => /(?:summary: |, |\n\s*)(['`])([^'`]+)\1[,\s}]*\)*$/.exec(said)?.[2] ?? [])
    .map((words) => words.replaceAll(/\$\{[^}]*\}/g, 'x'));
}
