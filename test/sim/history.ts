/** Counts the events a server would have written, so that workflow code reads believable history figures. */

/** Header of an event (ids, times, types); measured histories lie between 80 and 200 bytes. */
const EVENT_OVERHEAD_BYTES = 130;

/** The server's defaults for suggesting continue-as-new. */
export interface HistoryLimits {
  readonly suggestEvents: number;
  readonly suggestBytes: number;
}

export const DEFAULT_HISTORY_LIMITS: HistoryLimits = {
  suggestEvents: 4_096,
  suggestBytes: 4 * 1_024 * 1_024,
};

export class History {
  length = 0;
  sizeBytes = 0;

  add(events: number, payloadBytes = 0): void {
    this.length += events;
    this.sizeBytes += events * EVENT_OVERHEAD_BYTES + payloadBytes;
  }

  mark(): { readonly length: number; readonly sizeBytes: number } {
    return { length: this.length, sizeBytes: this.sizeBytes };
  }

  /** A workflow task that only rejected updates leaves no event behind. */
  rollBack(mark: { readonly length: number; readonly sizeBytes: number }): void {
    this.length = mark.length;
    this.sizeBytes = mark.sizeBytes;
  }

  /** The reasons to continue as new, as numbers of the protocol's enum; empty when there is none. */
  suggestReasons(limits: HistoryLimits): readonly number[] {
    return [
      ...(this.sizeBytes >= limits.suggestBytes ? [1] : []),
      ...(this.length >= limits.suggestEvents ? [2] : []),
    ];
  }
}
