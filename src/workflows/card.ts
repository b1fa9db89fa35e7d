import type { ApprovalRecord } from '../core/approvals.ts';
import type { CallOutcome } from '../core/calls.ts';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { totalTokens } from '../core/messages.ts';
import { formatAmount, formatMicroUsd } from '../core/money.ts';
import { NAME_PLACEHOLDER } from '../core/names.ts';
import type { RunState } from '../core/state.ts';
import { oneLine, visible } from '../core/text.ts';
import type { RunPhase } from './messages.ts';

/*
 * The run's current details in the Temporal UI, in Markdown, for a person who has never seen one: what is asked, on
 * what ground, by when, and the signal to paste.
 *
 * K1. Everything that others wrote stands in inline code. It is the one construct in which no version of the UI finds
 *     links, HTML, formulas or typographic marks; escaping is not, since renderers differ in what they escape.
 * K2. Nothing is hidden: characters that cannot be seen are named.
 * K3. A signal to paste is complete, valid JSON that counts once a name is filled in, and does not before.
 * K4. The card is bounded: each text, and the whole.
 * Fenced blocks vanish in some versions of the UI, so signals stand in inline code too.
 */

const TITLES: Readonly<Record<RunPhase, string>> = {
  running: 'Working',
  idle: 'Waiting for the next message',
  waiting: 'Waiting for a person to decide',
  landed: 'At a limit: go on or stop?',
  unknown: 'Did this happen? Somebody has to look',
  paused: 'Paused',
  outage: 'Model or store is away; tried again by itself',
  bug: 'Stopped by an error in Holdfast or its agent',
  ended: 'Ended',
};

export function card(
  state: RunState,
  phase: RunPhase,
  waitsFor: string,
  open: readonly ApprovalRecord[],
): string {
  return [
    `### ${TITLES[phase]}`,
    ...(open.length > 0 ? requestLines(state, open) : [waitsFor && `Waits for ${code(waitsFor)}`]),
    ...callLines(state, open),
    factsLine(state),
    // The UI gives its frame less height than the card has: the last line would be cut off.
    '\u00a0',
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}

/** Requests as far as they fit, each whole, in the order of the calls; then how to send the signal. */
function requestLines(state: RunState, open: readonly ApprovalRecord[]): string[] {
  const lines: string[] = [];
  let chars = 0;
  let shown = 0;
  for (const record of open) {
    const own = recordLines(state, record);
    chars += own.join('\n\n').length;
    if (shown > 0 && chars > LIMITS.cardChars) break;
    lines.push(...own);
    shown += 1;
  }
  const left = open.length - shown;
  return [
    `To answer, open **More Actions**, **Send a Signal**, choose \`decide\`, paste one of the lines below as data, and put your own name in place of ${NAME_PLACEHOLDER}. Without a name it does not count.`,
    ...lines,
    left > 0 ? `**${left} more**: \`holdfast approvals\` lists them all.` : '',
  ];
}

function recordLines(state: RunState, record: ApprovalRecord): string[] {
  const { title, answers } = FORMS[record.kind];
  const facts = [
    record.amount && `**amount** ${code(formatAmount(record.amount))}`,
    record.tool !== null && `**tool** ${code(record.tool)}${record.tier === null ? '' : ` (${record.tier})`}`,
    `**for** ${code(state.requester.id)}`,
  ].filter((fact) => typeof fact === 'string');
  return [
    `#### ${title} ${code(record.summary)}`,
    facts.join(' · '),
    `**Why a person is asked:** ${code(record.reason)}`,
    `**Decide by** ${new Date(record.deadlineMs).toISOString().slice(0, 16).replace('T', ' ')} UTC; silence is not a yes. **Who may:** ${deciders(state, record)}`,
    ...answers.map(
      ({ label, decision }) =>
        `**${label}:** \`${JSON.stringify({ approval: record.id, ...decision, by: NAME_PLACEHOLDER, channel: 'ui' })}\``,
    ),
  ];
}

interface Form {
  readonly title: string;
  readonly answers: readonly { readonly label: string; readonly decision: JsonObject }[];
}

/** What each kind of request asks, and what may be answered. */
const FORMS: Readonly<Record<ApprovalRecord['kind'], Form>> = {
  call: {
    title: 'May this be done?',
    answers: [
      { label: 'Yes', decision: { kind: 'approve' } },
      { label: 'No, and the agent reads why', decision: { kind: 'reject', reason: 'WHY NOT' } },
    ],
  },
  reconcile: {
    title: 'Look, then say:',
    answers: [
      {
        label: 'It happened, with this result',
        decision: { kind: 'answer', answer: { outcome: 'happened', result: {} } },
      },
      {
        label: 'It did not happen: do it once more',
        decision: { kind: 'answer', answer: { outcome: 'did_not' } },
      },
      { label: 'Nobody can tell: give up', decision: { kind: 'answer', answer: { outcome: 'give_up' } } },
    ],
  },
  landing: {
    title: 'Go on or stop?',
    answers: [
      { label: 'Go on', decision: { kind: 'approve' } },
      { label: 'Stop: the run ends here', decision: { kind: 'reject', reason: 'WHY' } },
    ],
  },
};

function deciders(state: RunState, record: ApprovalRecord): string {
  const who = record.approvers.length === 0 ? 'anybody' : code(record.approvers.join(', '));
  const whoNot = `${who} but ${code(state.requester.id)}`;
  if (record.quorum < 2) return whoNot;
  const needed = `${whoNot}; ${record.quorum} people have to say yes`;
  return record.votes.length === 0
    ? needed
    : `${needed}, so far ${code(record.votes.map((vote) => vote.by).join(', '))}`;
}

/** Where each call of the step stands. A single one that is asked about has been shown. */
function callLines(state: RunState, open: readonly ApprovalRecord[]): string[] {
  const calls = state.turn?.step?.calls ?? [];
  if (calls.length === 0 || (calls.length === 1 && open.length > 0)) return [];
  return [
    '#### This step',
    calls.map((call) => `- ${code(call.prepared.summary)}: ${outcomeWords(call.outcome)}`).join('\n'),
  ];
}

function outcomeWords(outcome: CallOutcome | null): string {
  if (outcome === null) return 'open';
  return outcome.kind === 'ran'
    ? outcome.status.replace('_', ' ')
    : `not run (${outcome.code.replaceAll('_', ' ')})`;
}

function factsLine(state: RunState): string {
  const facts = [
    `agent ${code(state.agent)}`,
    `step ${state.nextStep - 1}`,
    `${totalTokens(state.usage)} tokens`,
    code(formatMicroUsd(state.costMicroUsd)),
    state.pinned && `release ${code(state.pinned.hash.slice(0, 12))}`,
  ];
  return facts.filter((fact) => typeof fact === 'string').join(' · ');
}

/**
 * Text of others, as it is, on one line. A mark that would end the code is shown as another. Cut before hidden
 * characters are named, so that nothing is too long to look at, and after, so that the names fit.
 */
function code(text: string): string {
  const shown = visible(oneLine(text, LIMITS.reasonChars));
  const line = oneLine(shown, LIMITS.cardTextChars).replaceAll('`', "'");
  return `\`${line === '' ? '(nothing)' : line}\``;
}
