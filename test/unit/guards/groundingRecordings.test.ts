import { expect, test } from 'vitest';
import { measureGrounding } from '../../guards/grounding.ts';

test('recorded answers pass, and the same answers with an invention planted do not', {
  timeout: 180_000,
}, () => {
  for (const figures of measureGrounding()) {
    const planted = figures.planted.reduce((sum, row) => sum + row.planted, 0);
    const caught = figures.planted.reduce((sum, row) => sum + row.caught, 0);
    const shown = JSON.stringify(figures);
    expect(figures.texts, shown).toBeGreaterThan(200);
    expect(planted, shown).toBeGreaterThan(2_000);
    expect(figures.blockedShare, shown).toBeLessThanOrEqual(0.02);
    expect(caught / planted, shown).toBeGreaterThanOrEqual(0.95);
    expect(figures.toneFaults, shown).toBe(0);
  }
});
