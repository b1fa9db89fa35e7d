/** What a run has been exposed to. Flags only ever rise. */
export interface Taint {
  /** Text that a stranger could have written has entered the conversation through a tool. */
  readonly untrustedSeen: boolean;
  /** Private data has been read. */
  readonly privateRead: boolean;
}

export const CLEAN: Taint = { untrustedSeen: false, privateRead: false };

/** Labels of a tool that matter for taint. */
export interface TaintLabels {
  readonly reads: 'public' | 'private';
  readonly returns: 'trusted' | 'untrusted';
}

export function raise(taint: Taint, labels: TaintLabels): Taint {
  return {
    untrustedSeen: taint.untrustedSeen || labels.returns === 'untrusted',
    privateRead: taint.privateRead || labels.reads === 'private',
  };
}
