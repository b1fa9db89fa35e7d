import { inspect } from 'node:util';
import type { Json } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { Requester } from '../core/requester.ts';
import type { Known } from '../guards/pii.ts';
import { redact, redactSecrets } from '../guards/redact.ts';
import { declaredFact } from './declaredFact.ts';
import type { ActivityServices } from './services.ts';

// What leaves an activity for somewhere else than the conversation is redacted here, where it is made.

/** Redaction for one run: its worker's secrets, and what is known of its requester. */
export interface Privacy {
  /** For everything that is stored or leaves: secrets are replaced. */
  secrets(text: string): string;
  /** For histories, cards, logs and lists: personal data as well. */
  personal(text: string): string;
  secretsIn<Value extends Json>(value: Value): Value;
}

/**
 * The requester's record is asked for only where the agent keeps one. While it cannot be read the run goes on: secrets, and
 * all that has a shape of its own, are hidden without it; names are not.
 */
export async function privacyOf(
  services: ActivityServices,
  agentName: string,
  requester: Requester,
): Promise<Privacy> {
  const agent = services.agents.get(agentName);
  const known =
    agent?.personal == null
      ? null
      : await declaredFact(
          () => agent.personal?.(agent.services(services.outside, requester), requester) ?? null,
        );
  return privacyFor(services.secrets, known ?? {});
}

/** `exact`: values that appear nowhere, whatever they look like. */
export function privacyFor(exact: readonly string[], known: Known = {}): Privacy {
  const secrets = (text: string) => redactSecrets(text, exact).text;
  return {
    secrets,
    personal: (text) => redact(text, known, exact).text,
    secretsIn: (value) => mapTexts(value, secrets),
  };
}

function mapTexts<Value extends Json>(value: Value, change: (text: string) => string): Value {
  return mapped(value, change) as Value;
}

function mapped(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item: Json) => mapped(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [change(name), mapped(item as Json, change)]),
  );
}

/** An error with where it was thrown and why, as text for a log. It may quote anything: redact it. */
export function errorText(error: unknown): string {
  return inspect(error, { depth: 3 }).slice(0, LIMITS.errorChars);
}
