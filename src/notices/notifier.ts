import type { Notice } from '../store/notices.ts';

export type DeliveryResult =
  | { readonly kind: 'delivered' }
  /** Not now. `afterMs` where the other side said when; `why` in our words, shown to people. */
  | { readonly kind: 'retry'; readonly why: string; readonly afterMs?: number }
  /** Never: this notice is not wanted there. */
  | { readonly kind: 'refused'; readonly why: string };

/**
 * A way in which people hear of things. `deliver` may be called again with the same notice (same id) after it has
 * succeeded, when a worker died before that was written down. It ends soon after `signal` does, and does not throw.
 */
export interface Notifier {
  /** Part of the key of a delivery: stays the same for as long as its notices shall arrive. */
  readonly name: string;
  deliver(notice: Notice, signal: AbortSignal): Promise<DeliveryResult>;
}
