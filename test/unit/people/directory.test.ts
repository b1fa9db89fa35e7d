import { describe, expect, test } from 'vitest';
import { type Person, personFault } from '../../../src/people/directory.ts';

const anna: Person = { id: 'anna', name: 'Anna', kind: 'person', tenant: null, roles: [], active: true };

describe('who has a word on a run', () => {
  test.each<readonly [string, Partial<Person>, string | null, ReturnType<typeof personFault>]>([
    ['a person of every tenant, on any run', {}, 'shop-1', null],
    ['a person of every tenant, on a run without one', {}, null, null],
    ['a person of its tenant', { tenant: 'shop-1' }, 'shop-1', null],
    ['P5 a person of another tenant', { tenant: 'shop-2' }, 'shop-1', 'other_tenant'],
    ['P5 a person of a tenant, on a run without one', { tenant: 'shop-1' }, null, 'other_tenant'],
    ['P6 a service account', { kind: 'service' }, 'shop-1', 'service_account'],
    ['somebody who was removed', { active: false }, 'shop-1', 'inactive_person'],
  ])('%s', (_name, change, tenant, fault) => {
    expect(personFault({ ...anna, ...change }, tenant)).toBe(fault);
  });
});
