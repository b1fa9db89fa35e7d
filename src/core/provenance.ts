import type { Json, JsonObject } from './json.ts';
import { LIMITS } from './limits.ts';
import type { Taint } from './taint.ts';

/**
 * Where the values of a call's sensitive arguments came from. Traced by the activity that prepares the call
 * (guards/trace.ts); what travels are these facts alone.
 */
export type OriginFrom = 'user' | 'operator' | 'person' | 'trusted' | 'untrusted' | 'unknown';

/**
 * `user`: the customer wrote it. `operator`: the prompt, the application's facts, a default. `person`: somebody who
 * decides or was asked. `trusted` and `untrusted`: only a tool's result has it. `unknown`: nowhere; the model made it
 * up, or put it together. Ascending: of several values of one argument the last of these is shown.
 */
export const ORIGINS: readonly OriginFrom[] = [
  'user',
  'operator',
  'person',
  'trusted',
  'unknown',
  'untrusted',
];

export type SensitiveKind = 'recipient' | 'amount' | 'url' | 'path';

export const SENSITIVE_KINDS: readonly SensitiveKind[] = ['recipient', 'amount', 'url', 'path'];

/** An argument that an attacker would want to choose: a dotted path into the input, `items[].id` in lists. */
export interface SensitiveField {
  readonly field: string;
  readonly kind: SensitiveKind;
}

/** `field` names the value that was worst, `items[3].id` in a list. */
export interface Origin extends SensitiveField {
  readonly from: OriginFrom;
  /** Whose result has it, for `trusted` and `untrusted`. */
  readonly tool: string | null;
}

/** A value at a path, and the path with the positions filled in. */
export interface Placed {
  readonly at: string;
  readonly value: Json;
}

/** The values that a path leads to. Nothing where a member is missing or null. */
export function valuesAt(input: JsonObject, field: string): readonly Placed[] {
  let found: readonly Placed[] = [{ at: '', value: input }];
  for (const part of field.split('.')) {
    const [name = '', ...lists] = part.split('[]');
    found = found.flatMap((one) => memberOf(one, name));
    for (const _ of lists) found = found.flatMap(itemsOf);
  }
  return found.filter(({ value }) => value !== null && value !== '');
}

function memberOf({ at, value }: Placed, name: string): readonly Placed[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const member = Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined;
  return member === undefined ? [] : [{ at: at === '' ? name : `${at}.${name}`, value: member }];
}

function itemsOf({ at, value }: Placed): readonly Placed[] {
  return Array.isArray(value) ? value.map((item: Json, i) => ({ at: `${at}[${i}]`, value: item })) : [];
}

/** `items[].id` of `items[3].id`. */
export function declaredField(at: string): string {
  return at.replace(/\[\d+\]/g, '[]');
}

/** The origin that matters most; null for none. The first of equals. */
export function worstOf(origins: readonly Origin[]): Origin | null {
  return origins.reduce<Origin | null>(
    (worst, one) => (worst === null || ORIGINS.indexOf(one.from) > ORIGINS.indexOf(worst.from) ? one : worst),
    null,
  );
}

/**
 * Origins that nobody may wave through: a value that only untrusted text has; and, once such text was read, a value
 * that is nowhere, because what a stranger wrote may have been changed on the way (translated, decoded, put together).
 */
export function taintedArguments(origins: readonly Origin[], taint: Taint): readonly Origin[] {
  return origins.filter(({ from }) => from === 'untrusted' || (from === 'unknown' && taint.untrustedSeen));
}

/** `recipient "to" came only from the result of read_file`. */
export function originWords({ field, kind, from, tool }: Origin): string {
  const what = field === kind ? kind : `${kind} "${field}"`;
  switch (from) {
    case 'user':
      return `${what} is in the customer's own words`;
    case 'operator':
      return `${what} comes from the operator`;
    case 'person':
      return `${what} was said by a person who decides`;
    case 'trusted':
      return `${what} came from the result of ${tool ?? 'a trusted tool'}`;
    case 'untrusted':
      return `${what} came only from ${tool === null ? 'untrusted text' : `the result of ${tool}`}`;
    case 'unknown':
      return `${what} is nowhere in the conversation`;
    default:
      return from satisfies never;
  }
}

/** For people who decide: which arguments are tainted, and why that matters. Bounded. */
export function taintedReason(tainted: readonly Origin[]): string {
  const nowhere = tainted.some(({ from }) => from === 'unknown');
  return [
    `${tainted.map(originWords).join('; ')}.`,
    tainted.some(({ from }) => from === 'untrusted') ? 'A stranger could have written it.' : '',
    nowhere ? 'Untrusted text was read before, and a value from it may have been changed.' : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ')
    .slice(0, LIMITS.reasonChars);
}
