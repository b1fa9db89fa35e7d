import { type DecisionKeys, parseDecisionKeys } from '../control/keys.ts';
import { signEnvelope } from '../control/signature.ts';
import type { ControlName, Envelope } from '../core/control.ts';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { HoldfastError } from './errors.ts';

export interface MintOptions {
  readonly namespace: string;
  readonly decisionKey?: string | undefined;
  readonly envelopeLifeMs?: number | undefined;
}

/**
 * Makes what a person says ready for the wire. With a key it is dated, given its life and signed, whatever times or
 * signature it came with; without one it stays as it is.
 */
export type Mint = <Said extends Envelope>(workflowId: string, name: ControlName, said: Said) => Said;

/** Throws `bad_options`; never a character of the key. */
export function createMint(options: MintOptions): Mint {
  const { namespace, decisionKey, envelopeLifeMs: lifeMs = LIMITS.envelopeLifeDefaultMs } = options;
  if (!Number.isSafeInteger(lifeMs) || lifeMs < 1 || lifeMs > LIMITS.envelopeLifeMs)
    throw new HoldfastError(
      'bad_options',
      `envelopeLifeMs is ${lifeMs}: a whole number of milliseconds from 1 to ${LIMITS.envelopeLifeMs}`,
    );
  if (decisionKey === undefined) return (_workflowId, _name, said) => said;
  const keys = keysOf(decisionKey);
  return (workflowId, name, said) => {
    const atMs = Date.now();
    const times = { atMs, expiresAtMs: atMs + lifeMs };
    return { ...said, ...signEnvelope(keys, { namespace, workflowId, name }, jsonOf(said), times) };
  };
}

function keysOf(text: string): DecisionKeys {
  const parsed = parseDecisionKeys(text);
  if (parsed.kind === 'ok') return parsed.keys;
  throw new HoldfastError(
    'bad_options',
    `the decision key (HOLDFAST_DECISION_KEY) cannot be used: ${parsed.problem}`,
  );
}

/** What was checked before is plain JSON, whatever its type is called. */
function jsonOf(said: Envelope): JsonObject {
  const { signature: _, ...unsigned } = said;
  return unsigned as Envelope & JsonObject;
}
