import { LIMITS } from '../core/limits.ts';

/** What a guard says about a text. `why` is for people and traces: our words, never the text itself. */
export type Verdict =
  | { readonly kind: 'pass' }
  /** It may go on, and counts as suspicious from here on. */
  | { readonly kind: 'flag'; readonly why: string }
  /** It may go on as this other text. */
  | { readonly kind: 'redact'; readonly text: string; readonly why: string }
  /** Answers only: back to the model, with an instruction. */
  | { readonly kind: 'repair'; readonly why: string; readonly instruction: string }
  /** It may not go on. `reply` is what the customer reads instead. */
  | { readonly kind: 'block'; readonly why: string; readonly reply: string };

export const PASS: Verdict = { kind: 'pass' };

/** A content check of one kind of text. Guards are composed per agent and run inside the activities that exist. */
export interface Guard<Subject extends GuardSubject> {
  /** Lower case and dashes; part of the release, together with the version. */
  readonly name: string;
  /** Raise it when the meaning changes. Default `1`. */
  readonly version?: string;
  /** Default `LIMITS.guardTimeoutMs`. */
  readonly timeoutMs?: number;
  /** What it means when the guard throws or takes too long. Default `block`: fail closed. */
  readonly onFailure?: 'block' | 'pass';
  readonly check: (subject: Subject, signal: AbortSignal) => Promise<Verdict> | Verdict;
}

export interface GuardSubject {
  readonly text: string;
}

export interface GuardNote {
  readonly guard: string;
  readonly kind: Exclude<Verdict['kind'], 'pass'>;
  readonly why: string;
}

/** What all guards together say. `text` is what may go on; `notes` are for the audit, in order. */
export interface Judgement {
  readonly text: string;
  readonly notes: readonly GuardNote[];
  readonly stop:
    | null
    | { readonly kind: 'repair'; readonly instruction: string; readonly why: string }
    | { readonly kind: 'block'; readonly reply: string; readonly why: string };
}

/**
 * Runs the guards in order, each on what the one before it let through. The first that stops is the last that runs.
 * `withinMs`: what they have together; where it is over, a guard has failed.
 */
export async function runGuards<Subject extends GuardSubject>(
  guards: readonly Guard<Subject>[],
  subject: Subject,
  withinMs: number = Number.POSITIVE_INFINITY,
): Promise<Judgement> {
  let { text } = subject;
  const notes: GuardNote[] = [];
  const untilMs = performance.now() + withinMs;
  for (const guard of guards) {
    const leftMs = Math.max(0, Math.floor(untilMs - performance.now()));
    const timeoutMs = Math.min(guard.timeoutMs ?? LIMITS.guardTimeoutMs, leftMs);
    const verdict = await verdictOf(guard, { ...subject, text }, timeoutMs);
    if (verdict.kind === 'pass') continue;
    const why = verdict.why.slice(0, LIMITS.guardWhyChars);
    notes.push({ guard: guard.name, kind: verdict.kind, why });
    switch (verdict.kind) {
      case 'flag':
        break;
      case 'redact':
        text = verdict.text;
        break;
      case 'repair': {
        const instruction = verdict.instruction.slice(0, LIMITS.guardInstructionChars);
        return { text, notes, stop: { kind: 'repair', instruction, why: `${guard.name}: ${why}` } };
      }
      case 'block': {
        const reply = verdict.reply.slice(0, LIMITS.guardInstructionChars);
        return { text, notes, stop: { kind: 'block', reply, why: `${guard.name}: ${why}` } };
      }
      default:
        return verdict satisfies never;
    }
  }
  return { text, notes, stop: null };
}

/** A guard that fails or does not come back has not passed anything, unless its agent says so in so many words. */
async function verdictOf<Subject extends GuardSubject>(
  guard: Guard<Subject>,
  subject: Subject,
  timeoutMs: number,
): Promise<Verdict> {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => resolve(failed(guard, `no verdict within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([(async () => guard.check(subject, over.signal))(), late]);
  } catch {
    // Its own words may quote the text.
    return failed(guard, 'it threw');
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

function failed<Subject extends GuardSubject>(guard: Guard<Subject>, what: string): Verdict {
  const why = `the guard failed: ${what}`;
  if (guard.onFailure === 'pass') return { kind: 'flag', why };
  return { kind: 'block', why, reply: COULD_NOT_CHECK };
}

const COULD_NOT_CHECK =
  'I cannot answer this right now: it could not be checked. A colleague will look at it.';
