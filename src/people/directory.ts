import type { ControlFault } from '../core/control.ts';

/** Somebody who may have a word on what runs do. A service account never has one. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly kind: 'person' | 'service';
  /** The only tenant whose runs this person may decide about; null: every tenant. */
  readonly tenant: string | null;
  readonly roles: readonly string[];
  readonly active: boolean;
}

/**
 * Who people are now. The store's table is one; a company's directory may take its place in `ActivityServices`.
 * Contract: answers with what is current, leaves out whom it does not know, and throws a retryable failure
 * (`core/errors.ts`) while it cannot look: nobody must seem unknown because a server is away.
 */
export interface Directory {
  find(ids: readonly string[]): Promise<ReadonlyMap<string, Person>>;
}

/** Why this person has no word on runs of this tenant; null when they may speak. */
export function personFault(
  person: Person,
  tenant: string | null,
): Extract<ControlFault, 'inactive_person' | 'service_account' | 'other_tenant'> | null {
  if (!person.active) return 'inactive_person';
  if (person.kind === 'service') return 'service_account';
  return person.tenant !== null && person.tenant !== tenant ? 'other_tenant' : null;
}
