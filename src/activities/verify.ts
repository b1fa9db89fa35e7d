import { Context } from '@temporalio/activity';
import type { DecisionKeys } from '../control/keys.ts';
import { verifySignature } from '../control/signature.ts';
import {
  type Control,
  type ControlFault,
  parseEnvelope,
  timesFault,
  type Verified,
} from '../core/control.ts';
import type { Requester } from '../core/requester.ts';
import { type Directory, type Person, personFault } from '../people/directory.ts';
import { type UsedEnvelope, useEnvelopes } from '../store/envelopes.ts';
import { findArrivals } from './arrivals.ts';
import type { ActivityServices } from './services.ts';
import type { VerifyControlsInput } from './types.ts';

/**
 * Who really said this, and may they: the one place where identity is decided. A batch in order of arrival, one look
 * into the directory for all of it. Repeating it is harmless: it marks signed steering as used, and knows its own marks.
 *
 * With keys: the signature first, since without it nothing else in the envelope means anything; then its times, then
 * the person. Without keys nobody can be known: the envelope is believed, as far as the directory does not object.
 */
export async function verifyControls(
  services: ActivityServices,
  input: VerifyControlsInput,
): Promise<readonly Verified[]> {
  const { controls, workflowId, run, requester } = input;
  const { decisionKeys, directory, sql } = services;
  const faults = new Map<number, ControlFault>();
  const standing = () => controls.filter((control) => !faults.has(control.n));
  const refuse = (judge: (control: Control) => ControlFault | null) => {
    for (const control of standing()) {
      const why = judge(control);
      if (why !== null) faults.set(control.n, why);
    }
  };

  if (decisionKeys !== null) refuse((control) => signatureFault(decisionKeys, workflowId, control));
  const arrivals = await findArrivals(
    workflowId,
    standing().filter((control) => isLateDecision(control) || (decisionKeys !== null && looksStale(control))),
  );
  if (decisionKeys !== null)
    refuse(({ n, body, receivedAtMs }) => timesFault(body, arrivals.get(n) ?? receivedAtMs));
  const people = await look(directory, standing());
  refuse((control) => speakerFault(control, people, requester, decisionKeys !== null));
  if (decisionKeys !== null) {
    const steering = standing().filter((control) => control.name !== 'decide');
    const replayed = await useEnvelopes(sql, run, steering.map(usedOf));
    refuse(({ n }) => (replayed.has(n) ? 'replayed' : null));
  }

  return controls.map((control): Verified => {
    const { n } = control;
    const why = faults.get(n);
    if (why !== undefined) return { n, kind: 'refused', why };
    const identity = decisionKeys === null ? 'unverified' : 'signed';
    return {
      n,
      kind: 'ok',
      speaker: { identity, roles: people.get(idOf(control))?.roles ?? [] },
      arrivedAtMs: isLateDecision(control) ? (arrivals.get(n) ?? null) : null,
    };
  });
}

function signatureFault(
  keys: DecisionKeys,
  workflowId: string,
  { name, body }: Control,
): ControlFault | null {
  if (body.signature === undefined) return 'unsigned';
  const { namespace } = Context.current().info;
  return verifySignature(keys, { namespace, workflowId, name }, body) ? null : 'bad_signature';
}

/** Read after its deadline: it counts if the server had it before. */
function isLateDecision({ late, name }: Control): boolean {
  return late && name === 'decide';
}

/** Read after its expiry, while the worker was down perhaps: the same. */
function looksStale({ body, receivedAtMs }: Control): boolean {
  return timesFault(body, receivedAtMs) === 'stale';
}

async function look(
  directory: Directory,
  controls: readonly Control[],
): Promise<ReadonlyMap<string, Person>> {
  const ids = new Set(controls.map(idOf));
  return ids.size === 0 ? new Map() : directory.find([...ids]);
}

/** As decisions are compared by it: cleaned. Empty, which nobody is called, for what is no envelope. */
function idOf({ body }: Control): string {
  return parseEnvelope(body)?.by ?? '';
}

function speakerFault(
  control: Control,
  people: ReadonlyMap<string, Person>,
  requester: Requester,
  mustBeKnown: boolean,
): ControlFault | null {
  const id = idOf(control);
  const person = people.get(id);
  if (person !== undefined) return personFault(person, requester.tenant);
  // Customers are in no company's directory: in their own run, the application that started it has said who they are.
  return id === '' || (mustBeKnown && id !== requester.id) ? 'unknown_person' : null;
}

function usedOf({ n, body }: Control): UsedEnvelope {
  return { n, signature: String(body.signature), expiresAtMs: Number(body.expiresAtMs) };
}
