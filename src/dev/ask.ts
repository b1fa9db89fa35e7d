import { createInterface } from 'node:readline';
import type { ApprovalRecord } from '../core/approvals.ts';
import { formatAmount } from '../core/money.ts';
import type { Screen } from './screen.ts';

/** Who decides approvals: a person at the terminal, or the demo itself with the reason why nobody is asked. */
export type Decider =
  | { readonly kind: 'person'; readonly output: NodeJS.WritableStream }
  | { readonly kind: 'itself'; readonly why: string };

export interface Answer {
  readonly approved: boolean;
  /** What they are called; their id, once it is decided. */
  readonly by: string;
  readonly reason: string | null;
}

/** A person who left does not hold a demo for ever; silence never approves. */
const ANSWER_TIMEOUT_MS = 10 * 60_000;
const MAX_TRIES = 5;

/** Shows an approval as its approver would see it. */
export function showRequest(screen: Screen, record: ApprovalRecord, until: string): void {
  screen.said('approval', record.summary);
  screen.note([record.amount && formatAmount(record.amount), record.tier, until].filter(Boolean).join(' · '));
  screen.note(record.reason);
}

/** Shows an approval, and gets the decision. */
export async function askAbout(
  record: ApprovalRecord,
  how: { readonly decider: Decider; readonly screen: Screen; readonly signal: AbortSignal },
): Promise<Answer> {
  const { decider, screen, signal } = how;
  const deadline = new Date(record.deadlineMs).toISOString().slice(0, 16).replace('T', ' ');
  showRequest(screen, record, `decide by ${deadline} UTC`);
  if (decider.kind === 'itself') {
    screen.said('demo', `approves for itself (${decider.why})`);
    return { approved: true, by: 'demo', reason: null };
  }
  return askPerson(screen, decider.output, signal);
}

async function askPerson(
  screen: Screen,
  output: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<Answer> {
  const label = `  ${screen.colors.bold('you'.padEnd(11))}`;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const said = await readAnswer(output, `${label}approve? [y/n] `, signal);
    if (said === null) {
      screen.line();
      screen.note('no answer came, and silence never approves');
      return { approved: false, by: 'terminal', reason: 'nobody answered' };
    }
    if (/^y(es)?$/i.test(said)) return { approved: true, by: 'terminal', reason: null };
    if (/^no?$/i.test(said)) {
      const reason = await readAnswer(output, `${' '.repeat(13)}why not? (the model reads it) `, signal);
      return { approved: false, by: 'terminal', reason: reason || 'no reason was given' };
    }
  }
  return { approved: false, by: 'terminal', reason: 'the answer was neither yes nor no' };
}

/** One line from the terminal; null when it ended or nobody typed. The terminal stays cooked, so that Ctrl-C works. */
function readAnswer(
  output: NodeJS.WritableStream,
  question: string,
  signal: AbortSignal,
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: process.stdin, terminal: false });
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      lines.removeAllListeners();
      lines.close();
      settle();
    };
    const onAbort = () => finish(() => reject(signal.reason));
    const timer = setTimeout(() => finish(() => resolve(null)), ANSWER_TIMEOUT_MS);
    signal.addEventListener('abort', onAbort, { once: true });
    lines.once('line', (line) => finish(() => resolve(line.trim())));
    lines.once('close', () => finish(() => resolve(null)));
    output.write(question);
    if (signal.aborted) onAbort();
  });
}
