import { z } from 'zod';
import { isObject, type Json, type JsonObject } from '../core/json.ts';

/** Keywords of the API's strict subset. Length, range and pattern rules belong in zod alone: they are checked here. */
const ALLOWED = new Set([
  'type',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'enum',
  'const',
  'anyOf',
  'description',
  'format',
]);
/** Dropped on the way to the API; zod still holds the model to them, with a refusal it can read. */
const DROPPED = new Set([
  '$schema',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'default',
  'title',
  'id',
]);

/**
 * JSON Schema of a tool's input in the API's strict subset (`additionalProperties: false` everywhere).
 * Throws, naming the path and the keyword, for a schema that cannot be said in it.
 */
export function strictSchema(tool: string, input: z.ZodObject): JsonObject {
  const problems: string[] = [];
  const strict = narrow(jsonSchema(tool, input, 'input'), '$', problems);
  if (problems.length > 0)
    throw new Error(`tool ${tool}: input schema outside the strict subset: ${problems.join('; ')}`);
  // Stored arguments are parsed once more before a tool runs, so what comes out of the schema must fit into it.
  if (shapeOf(strict) !== shapeOf(narrow(jsonSchema(tool, input, 'output'), '$', [])))
    throw new Error(`tool ${tool}: input schema: a value changes its type in it; do that in \`run\``);
  return strict as JsonObject;
}

function jsonSchema(tool: string, input: z.ZodObject, io: 'input' | 'output'): Json {
  try {
    return z.json().parse(z.toJSONSchema(input, { io, reused: 'inline' }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`tool ${tool}: input schema: ${why}; use plain JSON types and convert in \`run\``);
  }
}

/** Defaults make a member optional on the way in only, so `required` is left out. */
function shapeOf(schema: Json): string {
  return JSON.stringify(schema, (keyword, value: Json) => (keyword === 'required' ? undefined : value));
}

function narrow(schema: Json, path: string, problems: string[]): Json {
  if (!isObject(schema)) return schema as Json;
  const node = schema as JsonObject;
  const out: Record<string, Json> = {};
  for (const [keyword, value] of Object.entries(node)) {
    if (DROPPED.has(keyword)) continue;
    if (!ALLOWED.has(keyword)) problems.push(`${path}: "${keyword}" is not allowed`);
    else if (keyword === 'properties') out[keyword] = narrowEach(value, path, problems);
    else if (keyword === 'items') out[keyword] = narrow(value, `${path}[]`, problems);
    else if (keyword === 'anyOf' && Array.isArray(value))
      out[keyword] = value.map((item: Json, i) => narrow(item, `${path}|${i}`, problems));
    else out[keyword] = value;
  }
  if (out.type === 'object') {
    if (isObject(node.additionalProperties))
      problems.push(`${path}: a record of unknown keys cannot be strict`);
    out.additionalProperties = false;
  } else if (
    out.type === undefined &&
    out.anyOf === undefined &&
    out.const === undefined &&
    out.enum === undefined
  )
    problems.push(`${path}: say what type it is (any and unknown are not allowed)`);
  return out;
}

function narrowEach(properties: Json | undefined, path: string, problems: string[]): Json {
  const out: Record<string, Json> = {};
  for (const [name, schema] of Object.entries((properties ?? {}) as JsonObject))
    out[name] = narrow(schema, `${path}.${name}`, problems);
  return out;
}
