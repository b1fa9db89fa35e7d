import { isObject, type JsonObject } from './json.ts';

// Paths into the input of a tool, as its `sensitive` writes them ("to", "items[].id"), looked up in its JSON Schema.

/** Types of what a path leads to; every choice of a union is followed. Empty where it leads nowhere. */
export function endsOf(schema: JsonObject, path: string): readonly string[] {
  let found: readonly JsonObject[] = choices(schema);
  for (const part of path.split('.')) {
    const [name = '', ...lists] = part.split('[]');
    found = found.flatMap(({ properties }) => choices(isObject(properties) ? properties[name] : undefined));
    for (const end of lists) found = end === '' ? found.flatMap(({ items }) => choices(items)) : [];
  }
  return [
    ...new Set(
      found.flatMap(({ type, enum: words }) => (words === undefined ? (type ?? 'anything') : 'string')),
    ),
  ].map(String);
}

/** Formats that no sentence fits into. */
const WORDLESS = ['date', 'date-time', 'time', 'duration', 'uuid'];

/** Paths of the texts whose words are free. */
export function freeTexts(schema: unknown, path = ''): readonly string[] {
  const found = choices(schema).flatMap((one) => {
    if (isObject(one.properties))
      return Object.entries(one.properties).flatMap(([name, member]) =>
        freeTexts(member, path === '' ? name : `${path}.${name}`),
      );
    if (one.items !== undefined) return freeTexts(one.items, `${path}[]`);
    const isGiven = one.enum !== undefined || one.const !== undefined;
    return [one.type].flat().includes('string') && !isGiven && !WORDLESS.includes(String(one.format))
      ? [path]
      : [];
  });
  return [...new Set(found)];
}

function choices(schema: unknown): readonly JsonObject[] {
  if (!isObject(schema)) return [];
  const one = schema as JsonObject;
  return Array.isArray(one.anyOf) ? one.anyOf.flatMap(choices) : [one];
}
