import { LIMITS } from '../core/limits.ts';
import { findPii, type Known } from './pii.ts';
import { findSecrets } from './secrets.ts';
import { mask, mergeSpans, SPAN_TYPES, type Span, type SpanType } from './spans.ts';

export interface Redacted {
  /** Every span replaced by its marker, such as `[mail]`. */
  readonly text: string;
  /** What was replaced, each type once. */
  readonly found: readonly SpanType[];
}

/** For what people and systems beside the conversation see: logs, traces, previews, cards. Personal data and secrets. */
export function redact(text: string, known: Known = {}, exact: readonly string[] = []): Redacted {
  return replaced(text, [...findSecrets(text, exact), ...findPii(text, known)]);
}

/** For everything that is stored or leaves. Secrets alone: the conversation itself may name people. */
export function redactSecrets(text: string, exact: readonly string[] = []): Redacted {
  return replaced(text, findSecrets(text, exact));
}

function replaced(text: string, spans: readonly Span[]): Redacted {
  if (spans.length === 0) return { text, found: [] };
  const merged = mergeSpans(spans);
  const types = new Set(merged.map(({ type }) => type));
  return { text: mask(text, merged), found: SPAN_TYPES.filter((type) => types.has(type)) };
}

/** Words of the names of variables whose values nobody may see. */
const SECRET_WORDS =
  /^(?:(?:api|access|private|secret|signing|encryption|master|auth|ssh)?keys?|secrets?|tokens?|passwords?|passwd|pwd|pass|passphrase|credentials?|dsn|pat|auth)$/i;

/** Variables that say where a secret is, and not what it is. */
const PLACES = /(?:_FILE|_PATH|_DIR|_URL|_URI|_NAME|_ID|_SOCK|_HOST|_ALGORITHM|_ISSUER|_TTL)$/i;

/** A shell's own; not a password. */
const WORKING_DIRECTORY = 'PWD';

/**
 * Values that must appear nowhere: of variables whose name says key, secret, token or password (each of several, where
 * blanks separate them), and the passwords in addresses. Shorter ones than `LIMITS.secretMinChars` are left out, and
 * passwords that are also the address's user, database or host: hiding those would hide ordinary words.
 */
export function secretValues(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const values = Object.entries(environment).flatMap(([name, value]): readonly string[] => {
    if (value === undefined || value === '') return [];
    const named =
      name !== WORKING_DIRECTORY &&
      !PLACES.test(name) &&
      name.split(/_|(?<=[a-z])(?=[A-Z])/).some((word) => SECRET_WORDS.test(word));
    return [...(named ? valuesOf(value) : []), ...passwordsOf(value)];
  });
  return [...new Set(values.filter((value) => value.length >= LIMITS.secretMinChars))].slice(
    0,
    LIMITS.exactSecrets,
  );
}

function valuesOf(value: string): readonly string[] {
  const whole = value.trim();
  // An address with a password is kept readable: only the password in it is secret.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(whole)) return [];
  const parts = whole.split(/[\s,]+/);
  return parts.length > 1 ? [whole, ...parts] : [whole];
}

function passwordsOf(value: string): readonly string[] {
  return [...value.matchAll(/:\/\/([^\s/:@]*):([^\s/]+)@([^\s/:]*)(?::\d+)?\/?([^\s?]*)/g)].flatMap(
    ([, user = '', password = '', host = '', database = '']) => {
      const plain = decoded(password);
      return [user, host, database].includes(plain) ? [] : [password, plain];
    },
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
