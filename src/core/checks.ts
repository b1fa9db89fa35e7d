import { LIMITS } from './limits.ts';
import { shown, wellFormed } from './text.ts';

// Checks of plain JSON by hand, for where zod does not belong. Each answers problems that name path, value and rule.

export type Members = Readonly<Record<string, unknown>>;
/** What is wrong with the value of one member, in words that begin with its path. */
export type Check = (value: unknown, path: string) => readonly string[];

/** Runs the checks of the members that are there; says which are missing and which nobody knows. */
export function members(
  value: Members,
  path: string,
  checks: Readonly<Record<string, readonly Check[]>>,
  needed: readonly string[] = [],
): readonly string[] {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const known = Object.keys(checks);
  return [
    ...needed.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at(name)} is missing: add it`),
    ...Object.entries(value).flatMap(([name, member]) => {
      if (!known.includes(name)) return [`${at(name)} is not known here: use ${known.join(', ')}`];
      return (checks[name] ?? []).flatMap((check) => check(member, at(name)));
    }),
  ];
}

export function list(check: Check, max: number = LIMITS.ruleListItems): Check {
  return (value, path) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > max)
      return [`${path} is ${shown(value)}: a list of 1 to ${max} entries, or leave it out`];
    return Array.from(value).flatMap((item, i) => check(item, `${path}[${i}]`));
  };
}

export function text(maxChars: number): Check {
  return (value, path) =>
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= maxChars &&
    wellFormed(value) === value
      ? []
      : [`${path} is ${shown(value)}: 1 to ${maxChars} well-formed characters`];
}

export function oneOf(words: readonly unknown[]): Check {
  return (value, path) =>
    words.includes(value) ? [] : [`${path} is ${shown(value)}: one of ${words.join(', ')}`];
}

export function whole(from: number, to: number): Check {
  return (value, path) =>
    Number.isInteger(value) && Number(value) >= from && Number(value) <= to
      ? []
      : [`${path} is ${shown(value)}: a whole number from ${from} to ${to}`];
}

export const onlyTrue: Check = (value, path) =>
  value === true ? [] : [`${path} is ${shown(value)}: true, or leave it out`];

export const finite: Check = (value, path) =>
  Number.isFinite(value) ? [] : [`${path} is ${shown(value)}: a finite number, or leave it out`];
