import type { Sql } from '../store/connection.ts';
import { type ApprovalRow, findApproval } from '../store/views.ts';

/** What is open, as the run said last, and what this chat has to do with it. */
export class Requests {
  readonly #sql: Sql;
  readonly #as: string;
  readonly #approveAs: string | null;
  #open: readonly ApprovalRow[] = [];
  readonly #shown = new Set<string>();
  /** Decided here, or gone before that. */
  readonly #decided = new Set<string>();
  /** For others to decide, as far as this chat goes. */
  readonly #left = new Set<string>();

  constructor(options: { readonly sql: Sql; readonly as: string; readonly approveAs: string | null }) {
    this.#sql = options.sql;
    this.#as = options.as;
    this.#approveAs = options.approveAs;
  }

  /** These are open now, in this order; none: nothing is. */
  async take(ids: readonly string[]): Promise<void> {
    const rows: ApprovalRow[] = [];
    for (const id of ids) {
      const row = this.#open.find((one) => one.id === id) ?? (await findApproval(this.#sql, id));
      if (row !== null) rows.push(row);
    }
    this.#open = rows;
  }

  forget(): void {
    this.#open = [];
  }

  get any(): boolean {
    return this.#open.length > 0;
  }

  /** Some of them wait for a decision, here or elsewhere. */
  get undecided(): boolean {
    return this.#open.some(({ id }) => !this.#decided.has(id));
  }

  /** Those that were not shown before; they are from now on. */
  unseen(): readonly ApprovalRow[] {
    const rows = this.#open.filter(({ id }) => !this.#shown.has(id));
    for (const { id } of rows) this.#shown.add(id);
    return rows;
  }

  /** Whose word it needs. */
  of(row: ApprovalRow): 'you' | 'people' | 'approver' {
    if (row.requesterMay === 'only') return row.requester === this.#as ? 'you' : 'people';
    return this.#approveAs === null ? 'people' : 'approver';
  }

  /** What only the customer may decide, and has not. */
  question(): ApprovalRow | null {
    return this.#next('you');
  }

  /** What may be decided here in the name of another person. */
  toApprove(): ApprovalRow | null {
    return this.#next('approver');
  }

  #next(of: 'you' | 'approver'): ApprovalRow | null {
    const mine = this.#open.find(
      (row) => this.of(row) === of && !this.#decided.has(row.id) && !this.#left.has(row.id),
    );
    return mine ?? null;
  }

  decided({ id }: ApprovalRow): void {
    this.#decided.add(id);
  }

  leave({ id }: ApprovalRow): void {
    this.#left.add(id);
  }
}
