/** The updates sent to one run, and what became of each. */
import { type Job, makeJob, type WireCommand } from './vm.ts';
import { decode, encode, type FailureView, viewFailure } from './wire.ts';

/**
 * - `rejected`: the validator refused it, and nothing of it is in the history.
 * - `failed`: it was accepted, and its handler threw.
 * - `aborted`: the run closed first.
 */
export type UpdateStatus =
  | { readonly kind: 'sent' }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'rejected'; readonly failure: FailureView }
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly failure: FailureView }
  | { readonly kind: 'aborted' };

/** Filled in as the workflow responds; `accepted`, `rejected` and `result` are short forms of `status`. */
export class UpdateHandle {
  status: UpdateStatus = { kind: 'sent' };
  readonly id: string;
  readonly name: string;
  readonly job: Job;

  constructor(id: string, name: string, job: Job) {
    this.id = id;
    this.name = name;
    this.job = job;
  }

  get accepted(): boolean {
    return (
      this.status.kind === 'accepted' || this.status.kind === 'completed' || this.status.kind === 'failed'
    );
  }

  get rejected(): FailureView | undefined {
    return this.status.kind === 'rejected' ? this.status.failure : undefined;
  }

  get result(): unknown {
    return this.status.kind === 'completed' ? this.status.result : undefined;
  }
}

export class Updates {
  readonly #handles = new Map<string, UpdateHandle>();

  /** The handle, and whether it is new: the server gives a known id the handle it already has. */
  open(
    name: string,
    args: readonly unknown[],
    id: string | undefined,
  ): { handle: UpdateHandle; isNew: boolean } {
    const updateId = id ?? `update-${this.#handles.size + 1}`;
    const known = this.#handles.get(updateId);
    // A refused update leaves no trace, so its id is free again.
    if (known !== undefined && known.status.kind !== 'rejected') return { handle: known, isNew: false };
    const job = makeJob({
      doUpdate: {
        id: updateId,
        protocolInstanceId: updateId,
        name,
        input: args.map(encode),
        meta: { updateId, identity: 'simulation' },
        runValidator: true,
      },
    });
    const handle = new UpdateHandle(updateId, name, job);
    this.#handles.set(updateId, handle);
    return { handle, isNew: true };
  }

  /** Applies a response; returns how many events it wrote. */
  apply(response: NonNullable<WireCommand['updateResponse']>): number {
    const handle = this.#handles.get(response.protocolInstanceId ?? '');
    if (handle === undefined)
      throw new Error(`A response came for an unknown update: ${response.protocolInstanceId}.`);
    if (response.accepted != null) {
      handle.status = { kind: 'accepted' };
      return 1;
    }
    if (response.completed != null) {
      handle.status = { kind: 'completed', result: decode(response.completed) };
      return 1;
    }
    const wasAccepted = handle.accepted;
    handle.status = { kind: wasAccepted ? 'failed' : 'rejected', failure: viewFailure(response.rejected) };
    return wasAccepted ? 1 : 0;
  }

  abort(): void {
    for (const handle of this.#handles.values()) {
      if (handle.status.kind === 'sent' || handle.status.kind === 'accepted')
        handle.status = { kind: 'aborted' };
    }
  }
}
