import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isObject } from '../../../src/core/json.ts';
import { strictSchema } from '../../../src/tools/schema.ts';

const one = (schema: z.ZodType) => strictSchema('t', z.object({ a: schema })).properties;

describe('what the strict subset can say, it says', () => {
  test.each<readonly [string, z.ZodType, unknown]>([
    ['text', z.string().describe('Which.'), { type: 'string', description: 'Which.' }],
    ['a number', z.number(), { type: 'number' }],
    ['a whole number, without its range', z.number().int().min(1).max(5), { type: 'integer' }],
    ['text, without its length and pattern', z.string().min(1).max(9).regex(/x/), { type: 'string' }],
    ['an email, without its pattern', z.email(), { type: 'string', format: 'email' }],
    ['a choice', z.enum(['x', 'y']), { type: 'string', enum: ['x', 'y'] }],
    ['one value', z.literal('x'), { type: 'string', const: 'x' }],
    [
      'a list, without its length',
      z.array(z.boolean()).min(1).max(3),
      { type: 'array', items: { type: 'boolean' } },
    ],
    ['a default is dropped', z.string().default('x'), { type: 'string' }],
    ['a title is dropped', z.string().meta({ title: 'T' }), { type: 'string' }],
    [
      'an object in a list is closed',
      z.array(z.object({ b: z.string() })),
      {
        type: 'array',
        items: {
          type: 'object',
          properties: { b: { type: 'string' } },
          required: ['b'],
          additionalProperties: false,
        },
      },
    ],
  ])('%s', (_name, schema, expected) => {
    expect(one(schema)).toEqual({ a: expected });
  });

  test('every object is closed, also one that may be null and one of several', () => {
    const schema = strictSchema(
      't',
      z.object({
        a: z.object({ b: z.object({ c: z.string() }) }).nullable(),
        d: z.union([z.object({ e: z.string() }), z.array(z.object({ f: z.null() }))]),
      }),
    );
    const objects: unknown[] = [];
    JSON.stringify(schema, (_key, value: unknown) => {
      if (isObject(value) && value.type === 'object') objects.push(value);
      return value;
    });
    expect(objects).toHaveLength(5);
    for (const object of objects) expect(object).toMatchObject({ additionalProperties: false });
  });

  test('optional members are not required', () => {
    expect(strictSchema('t', z.object({ a: z.string(), b: z.string().optional() })).required).toEqual(['a']);
  });
});

describe('what it cannot say is refused at definition, with the path and the keyword', () => {
  test.each<readonly [string, z.ZodType, RegExp]>([
    ['a record', z.record(z.string(), z.string()), /\$\.a: "propertyNames" is not allowed/],
    ['an open object', z.looseObject({ b: z.string() }), /\$\.a: a record of unknown keys cannot be strict/],
    ['a tuple', z.tuple([z.string()]), /\$\.a: "prefixItems" is not allowed/],
    ['anything', z.any(), /\$\.a: say what type it is/],
    [
      'unknown, deep inside',
      z.object({ b: z.array(z.object({ c: z.unknown() })) }),
      /\$\.a\.b\[\]\.c: say what type it is/,
    ],
    [
      'unknown, as one of several',
      z.union([z.string(), z.array(z.any())]),
      /\$\.a\|1\[\]: say what type it is/,
    ],
    [
      'exactly one of',
      z.discriminatedUnion('k', [z.object({ k: z.literal('x') }), z.object({ k: z.literal('y') })]),
      /\$\.a: "oneOf" is not allowed/,
    ],
    ['examples', z.string().meta({ examples: ['x'] }), /\$\.a: "examples" is not allowed/],
    ['a date', z.date(), /input schema: Date cannot be represented/],
    ['a big integer', z.bigint(), /BigInt cannot be represented.*convert in `run`/],
    [
      'a transform, which would not survive the second parse',
      z.string().transform((text) => text.length),
      /Transforms cannot be represented/,
    ],
    ['text that becomes a boolean', z.stringbool(), /a value changes its type/],
  ])('%s', (_name, schema, message) => {
    expect(() => one(schema)).toThrow(message);
    expect(() => one(schema)).toThrow(/^tool t: input schema/);
  });

  test('a schema that contains itself', () => {
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree);
      },
    });
    expect(() => strictSchema('t', tree)).toThrow(/is not allowed/);
  });

  test('all problems come at once', () => {
    expect(() => strictSchema('t', z.object({ a: z.any(), b: z.record(z.string(), z.string()) }))).toThrow(
      /\$\.a: .*\$\.b: /s,
    );
  });
});
