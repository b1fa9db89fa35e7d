import { expect, test } from 'vitest';
import { isName, NAME_PLACEHOLDER } from '../../../src/core/names.ts';

test.each(['ada', 'Ada Okafor', 'team:refunds', '\u5f20\u4f1f'])('%j may be a person', (name) => {
  expect(isName(name)).toBe(true);
});

test.each(['', '   ', '\0', 'x'.repeat(201), NAME_PLACEHOLDER, ` ${NAME_PLACEHOLDER} `, 7, null, undefined])(
  '%j is nobody',
  (name) => {
    expect(isName(name)).toBe(false);
  },
);
