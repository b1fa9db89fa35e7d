import { expect, test } from 'vitest';
import { z } from 'zod';
import { freeTexts } from '../../../src/core/schemaPaths.ts';
import { strictSchema } from '../../../src/tools/schema.ts';

test('texts whose words are free are found wherever they are, once, as `sensitive` writes them', () => {
  const input = z.object({
    to: z.string(),
    site: z.url(),
    note: z.string().nullable(),
    lines: z.array(z.object({ text: z.string().optional(), count: z.int() })),
    tags: z.array(z.array(z.string())),
    part: z.union([z.object({ words: z.string() }), z.object({ words: z.string(), more: z.string() })]),
    priority: z.enum(['low', 'high']),
    kind: z.literal('plain'),
    sum: z.number(),
    day: z.iso.date(),
    at: z.iso.datetime(),
    id: z.uuid(),
    yes: z.boolean(),
  });
  expect(freeTexts(strictSchema('send', input))).toEqual([
    'to',
    'site',
    'note',
    'lines[].text',
    'tags[][]',
    'part.words',
    'part.more',
  ]);
  expect(freeTexts({ type: 'object', properties: {} })).toEqual([]);
});
