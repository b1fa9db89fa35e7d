declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** One conversation. Minted once; survives continue-as-new and reset. Letters and digits only. */
export type RunId = Branded<'RunId'>;
/** One tool use: `run/step/ordinal`. Made by us, because call ids made by models repeat in the wild. */
export type CallKey = Branded<'CallKey'>;
/** One request for a decision: `run/step/ordinal/request`, where `request` counts from 1. */
export type ApprovalId = Branded<'ApprovalId'>;
/** Lower-case hex SHA-256. */
export type Hash = Branded<'Hash'>;

/** Run id from a UUID: `r` and its first 20 hex digits (80 bits). */
export function runIdFromUuid(uuid: string): RunId {
  return `r${uuid.replaceAll('-', '').slice(0, 20)}` as RunId;
}

export function callKey(run: RunId, step: number, ordinal: number): CallKey {
  return `${run}/${step}/${ordinal}` as CallKey;
}

export function approvalId(key: CallKey, request: number): ApprovalId {
  return `${key}/${request}` as ApprovalId;
}

/** The run an approval or call belongs to, or null when the text is not one of our ids. */
export function runOf(id: string): RunId | null {
  const match = /^(r[0-9a-f]{20})\/\d+\/\d+(\/\d+)?$/.exec(id);
  return match ? (match[1] as RunId) : null;
}

export function asHash(hex: string): Hash {
  if (!/^[0-9a-f]{64}$/.test(hex))
    throw new TypeError(`not a SHA-256 in lower-case hex: ${hex.slice(0, 80)}`);
  return hex as Hash;
}
