import { LIMITS } from '../core/limits.ts';
import { redactSecrets, secretValues } from '../guards/redact.ts';
import { within } from './bounded.ts';
import type { Environment } from './target.ts';

/** What one look found. `mend` says in a sentence what to do, for everything that is not ok. */
export type Look =
  | { readonly state: 'ok'; readonly found: string }
  | { readonly state: 'warning' | 'failure'; readonly found: string; readonly mend: string }
  /** It could not be looked at, for a reason that another check reports. */
  | { readonly state: 'skipped'; readonly found: string };

export interface Check {
  readonly name: string;
  /** What to do when it throws or takes too long. */
  readonly mend: string;
  readonly look: () => Promise<readonly Look[]>;
}

/** A line of the answer: plain JSON. */
export interface Finding {
  readonly check: string;
  readonly state: Look['state'];
  readonly found: string;
  readonly mend: string | null;
}

export function ok(found: string): Look {
  return { state: 'ok', found };
}

export function warning(found: string, mend: string): Look {
  return { state: 'warning', found, mend };
}

export function failure(found: string, mend: string): Look {
  return { state: 'failure', found, mend };
}

/** Looks at everything at once, each for a bounded time. Never throws; the order is that of the checks. */
export async function examine(
  checks: readonly Check[],
  options: { readonly environment: Environment; readonly timeoutMs?: number },
): Promise<readonly Finding[]> {
  const { environment, timeoutMs = LIMITS.doctorCheckMs } = options;
  // Messages of drivers may quote what they were given.
  const secrets = secretValues(environment);
  const hide = (text: string) => redactSecrets(text, secrets).text;
  const found = await Promise.all(
    checks.map(async ({ name, mend, look }): Promise<readonly Finding[]> => {
      const looks = await within(timeoutMs, look()).catch((error: unknown) => [
        failure(wordsOf(error), mend),
      ]);
      return looks.map((one) => ({
        check: name,
        state: one.state,
        found: hide(one.found),
        mend: 'mend' in one ? hide(one.mend) : null,
      }));
    }),
  );
  return found.flat();
}

function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return words.split('\n', 1)[0] ?? '';
}
