import type { VerifyControlsInput } from '../../src/activities/types.ts';
import { type DecisionKeys, parseDecisionKeys } from '../../src/control/keys.ts';
import { signEnvelope } from '../../src/control/signature.ts';
import type { Control, ControlName, Verified } from '../../src/core/control.ts';
import type { RunId } from '../../src/core/ids.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { AttemptOptions, Bench } from './bench.ts';
import { NAMESPACE_ID } from './claimInputs.ts';

// Control messages of one run, and their verification on a bench.

export const SECRET = 'a-secret-of-thirty-two-characters';
export const NOW = 1_800_000_000_000;
export const RUN = 'r00000000000000000001' as RunId;
export const APPROVAL = `${RUN}/1/0/1`;

export function keysOf(text: string): DecisionKeys {
  const parsed = parseDecisionKeys(text);
  if (parsed.kind === 'bad') throw new Error(parsed.problem);
  return parsed.keys;
}
export const KEYS = keysOf(SECRET);

export function input(
  controls: readonly Control[],
  more: Partial<VerifyControlsInput> = {},
): VerifyControlsInput {
  return {
    run: RUN,
    workflowId: 'chat-1',
    namespaceId: NAMESPACE_ID,
    agent: 'lab',
    requester: { id: 'customer', tenant: 'shop-1', roles: [] },
    controls,
    ...more,
  };
}

export function control(n: number, body: JsonObject, more: Partial<Control> = {}): Control {
  return { n, name: 'decide', approval: APPROVAL, body, receivedAtMs: NOW, late: false, ...more };
}

export const said = (by: string): JsonObject => ({ approval: APPROVAL, kind: 'approve', by, channel: 'cli' });
export const TIMES = { atMs: NOW - 1_000, expiresAtMs: NOW + 60_000 };

export function signed(
  body: JsonObject,
  more: { readonly name?: ControlName; readonly atMs?: number; readonly expiresAtMs?: number } = {},
): JsonObject {
  const { name = 'decide', ...times } = more;
  return signEnvelope(KEYS, { namespace: 'default', workflowId: 'chat-1', name }, body, {
    ...TIMES,
    ...times,
  });
}

export function verify(
  bench: Bench,
  what: VerifyControlsInput,
  options: AttemptOptions & { readonly keys?: DecisionKeys | null } = {},
): Promise<readonly Verified[]> {
  const { keys = KEYS, services, ...rest } = options;
  return bench.attempt((activities) => activities.verifyControls(what), {
    ...rest,
    services: { decisionKeys: keys, ...services },
  });
}
