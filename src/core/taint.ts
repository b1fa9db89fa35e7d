/** What a run has been exposed to. Flags only ever rise. */
export interface Taint {
  /** Text that a stranger could have written has entered the conversation. */
  readonly untrustedSeen: boolean;
  /** Private data has been read. */
  readonly privateRead: boolean;
  /** A guard found signs of an injection in a message or a result. */
  readonly suspicious: boolean;
}

export const CLEAN: Taint = { untrustedSeen: false, privateRead: false, suspicious: false };

/** Labels of a tool that matter for taint. */
export interface TaintLabels {
  readonly reads: 'public' | 'private';
  readonly returns: 'trusted' | 'untrusted';
}

/** What a text that entered the conversation exposes the run to: a tool's result, a message, a sub-agent's words. */
export function exposureOf(labels: TaintLabels): Partial<Taint> {
  return { untrustedSeen: labels.returns === 'untrusted', privateRead: labels.reads === 'private' };
}

export function raise(taint: Taint, by: Partial<Taint>): Taint {
  return {
    untrustedSeen: taint.untrustedSeen || by.untrustedSeen === true,
    privateRead: taint.privateRead || by.privateRead === true,
    suspicious: taint.suspicious || by.suspicious === true,
  };
}
