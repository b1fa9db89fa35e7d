import type { ApprovalRecord } from '../core/approvals.ts';
import { totalTokens } from '../core/messages.ts';
import { formatAmount, formatMicroUsd } from '../core/money.ts';
import type { RunState } from '../core/state.ts';
import { oneLine } from '../core/text.ts';
import type { RunPhase } from './messages.ts';

/**
 * The run's current details in the Temporal UI, in Markdown: where it stands, what it waits for, and the signal to
 * paste, in inline code (fenced blocks vanish in some versions of the UI).
 */
export function card(
  state: RunState,
  phase: RunPhase,
  waitsFor: string,
  open: readonly ApprovalRecord[],
): string {
  const calls = state.turn?.step?.calls ?? [];
  return [
    `### ${state.agent}: ${phase}`,
    waitsFor && `**Waits for:** ${plain(waitsFor)}`,
    `**Step** ${state.nextStep - 1} · **cost** ${formatMicroUsd(state.costMicroUsd)} · **tokens** ${totalTokens(state.usage)}${state.pinned ? ` · **release** ${state.pinned.hash.slice(0, 12)}` : ''}`,
    ...open.flatMap(askLines),
    ...calls.map(
      (call) =>
        `- ${plain(call.prepared.summary)}: ${call.outcome === null ? 'open' : outcomeWord(call.outcome)}`,
    ),
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}

function outcomeWord(
  outcome: NonNullable<NonNullable<RunState['turn']>['step']>['calls'][number]['outcome'],
): string {
  if (outcome === null) return 'open';
  return outcome.kind === 'ran' ? outcome.status : `not run (${outcome.code})`;
}

function askLines(record: ApprovalRecord): string[] {
  const yes = signal(
    record,
    record.kind === 'reconcile'
      ? { kind: 'answer', answer: { outcome: 'happened', result: {} } }
      : { kind: 'approve' },
  );
  const no = signal(
    record,
    record.kind === 'reconcile'
      ? { kind: 'answer', answer: { outcome: 'did_not' } }
      : { kind: 'reject', reason: 'why not' },
  );
  return [
    `#### Decide by ${new Date(record.deadlineMs).toISOString().slice(0, 16).replace('T', ' ')} UTC: ${plain(record.summary)}`,
    `${plain(record.reason)}${record.amount ? ` · ${formatAmount(record.amount)}` : ''}`,
    `Yes: send the signal \`decide\` with \`${yes}\``,
    `No: \`${no}\``,
  ];
}

function signal(record: ApprovalRecord, decision: object): string {
  return JSON.stringify({ approval: record.id, by: 'YOUR NAME', channel: 'ui', ...decision });
}

/** Text of others must not become markup. */
function plain(text: string): string {
  return oneLine(text, 300).replace(/[\\`*_[\]<>#|!~]/g, (mark) => `\\${mark}`);
}
