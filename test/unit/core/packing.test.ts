import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PACKING, pack, type Shape, unpack } from '../../../src/core/packing.ts';

// What travels between workflow and activities leaves out what is usual, and nothing is lost by it.

const SHAPES: readonly (readonly [name: string, shape: Shape])[] = Object.entries(PACKING).flatMap(
  ([name, { input, result }]) => [
    [`${name}, input`, input],
    [`${name}, result`, result],
  ],
);

/** Messages of a shape: each member as usual, or anything; what the shape does not know of is there too. */
function messages({ usual, within = {} }: Shape): fc.Arbitrary<Record<string, unknown>> {
  const { kind, ...others } = usual;
  const members = Object.entries(others).map(([key, value]) => [
    key,
    fc.oneof(fc.constant(value), fc.jsonValue({ maxDepth: 1 })),
  ]);
  const inner = Object.entries(within).map(([key, shape]) => [
    key,
    fc.oneof(messages(shape), fc.array(messages(shape), { maxLength: 3 }), fc.constant(usual[key] ?? null)),
  ]);
  return fc.record({
    ...Object.fromEntries([...members, ...inner]),
    ...(kind !== undefined && { kind: fc.constant(kind) }),
    step: fc.nat(),
  });
}

/** As it comes out at the other end. */
const travelled = (shape: Shape, message: object) =>
  unpack<object>(shape, JSON.parse(JSON.stringify(pack(shape, message))));

describe('a packed message', () => {
  test.each(SHAPES)('comes out as it went in (%s)', (_, shape) => {
    fc.assert(
      fc.property(messages(shape), (message) => {
        // An object that has less than its shape is none of its messages: what it lacks would be put back as usual.
        const plain: object = JSON.parse(JSON.stringify(message));
        expect(travelled(shape, plain)).toEqual(plain);
      }),
    );
  });

  test('holds only what is not usual', () => {
    const requester = { id: 'customer', tenant: null, roles: [] };
    const plain = { generation: 1, terms: null, classes: [], learned: null, approval: null };
    const input = { run: 'r1', agent: 'support', requester, key: 'r1/1/0', tool: 'look', ...plain };
    expect(pack(PACKING.runTool.input, input)).toEqual({
      run: 'r1',
      agent: 'support',
      requester: { id: 'customer' },
      key: 'r1/1/0',
      tool: 'look',
    });
    expect(pack(PACKING.runTool.input, { ...input, generation: 2 })).toMatchObject({ generation: 2 });
  });

  test('of another kind than the usual one travels whole', () => {
    const held = { kind: 'held', name: 'breaker:fleet', activeMs: 3 };
    expect(pack(PACKING.runTool.result, held)).toEqual(held);
    expect(travelled(PACKING.runTool.result, held)).toEqual(held);
    const refused = { kind: 'done', outcome: { kind: 'refused', code: 'void', text: 'no' }, applied: false };
    expect(travelled(PACKING.runTool.result, refused)).toEqual(refused);
  });
});
