import { LIMITS } from './limits.ts';

/** Plain JSON: the only shape that crosses a border (no Map, Date, undefined member, NaN or BigInt). */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/**
 * Canonical JSON (RFC 8785): object keys sorted by UTF-16 code units, no white space, numbers as ECMAScript
 * prints them. Two values that mean the same have the same bytes, so a hash of it names the value.
 *
 * Throws a TypeError that names the path for anything that is not plain JSON, or nested too deeply to be walked.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '$', []);
}

function write(value: unknown, path: string, open: readonly unknown[]): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${path}: ${value} is not a JSON number`);
    return JSON.stringify(value);
  }
  if (typeof value !== 'object') throw new TypeError(`${path}: ${typeof value} is not JSON`);
  if (open.includes(value)) throw new TypeError(`${path}: a cycle is not JSON`);
  if (open.length >= LIMITS.jsonDepth)
    throw new TypeError(`${path}: nested more than ${LIMITS.jsonDepth} deep`);
  const inner = [...open, value];
  // `Array.from` visits the holes of a sparse array, which `map` would leave out of the text.
  if (Array.isArray(value))
    return `[${Array.from(value)
      .map((item, i) => write(item, `${path}[${i}]`, inner))
      .join(',')}]`;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw new TypeError(`${path}: only plain objects are JSON`);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${write(member, `${path}.${key}`, inner)}`).join(',')}}`;
}

/** True for an object that is neither null nor an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
