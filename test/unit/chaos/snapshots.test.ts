import { expect, test } from 'vitest';
import { rewritten, type Snapshot, strayed } from '../../chaos/golden/snapshots.ts';

const FIRST = { hash: 'n1', body: 'hello' };
const THEN: Snapshot = { workflowId: 'run', release: 'one', nodes: [FIRST] };
const NOW: Snapshot = { ...THEN, nodes: [FIRST, { hash: 'n2', body: 'more' }] };

test('a conversation that went on, on its release, is as it was', () => {
  expect(rewritten([THEN], [NOW])).toEqual([]);
  expect(strayed([NOW], [{ hash: 'one' }, { hash: 'other' }])).toEqual([]);
});

test.each<[string, readonly string[], string]>([
  [
    'a body that was changed',
    rewritten([THEN], [{ ...NOW, nodes: [{ ...FIRST, body: 'Hello' }] }]),
    'n1 is not',
  ],
  ['a node that is gone', rewritten([THEN], [{ ...NOW, nodes: NOW.nodes.slice(1) }]), 'n1 is not as it was'],
  ['another release', rewritten([THEN], [{ ...NOW, release: 'two' }]), 'run has another release now'],
  ['a run that is gone', rewritten([THEN], []), 'run has another release now'],
  ['a run that had said nothing', rewritten([{ ...THEN, nodes: [] }], [NOW]), 'run had said nothing'],
  ['a run of the other version', strayed([NOW], [{ hash: 'two' }]), 'run is pinned to one'],
])('the judge of R22 finds %s', (_, problems, problem) => {
  expect(problems.join('\n')).toContain(problem);
});
