// What the benchmark and the programs beside which it measures say to one another, over the channel of `fork`.

export interface Order {
  readonly id: number;
  /**
   * `converse`: the lanes run side by side, the conversations of a lane one after another. `begin`: one conversation,
   * which is not waited for. `resume`: one that a process before this one had begun, until it ends or asks a person.
   */
  readonly order:
    | { readonly kind: 'converse'; readonly lanes: readonly (readonly string[])[] }
    | { readonly kind: 'begin'; readonly conversation: string }
    | { readonly kind: 'resume'; readonly conversation: string };
}

export type Told =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'done';
      readonly id: number;
      readonly conversed: Conversed | null;
      readonly ended: string;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly why: string }
  /** The payment is made, and its result is not stored anywhere. `key`: under which the service has it. */
  | { readonly kind: 'acted'; readonly conversation: string; readonly key: string };

/** How long it took from the first start to the last end, and each turn, in milliseconds. */
export interface Conversed {
  readonly ms: number;
  readonly turnsMs: readonly number[];
}
