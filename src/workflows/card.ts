import type { ApprovalRecord } from '../core/approvals.ts';
import type { CallOutcome } from '../core/calls.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { totalTokens } from '../core/messages.ts';
import { formatAmount, formatMicroUsd } from '../core/money.ts';
import { NAME_PLACEHOLDER } from '../core/names.ts';
import { originWords } from '../core/provenance.ts';
import type { RunPhase } from '../core/runPhases.ts';
import type { RunState } from '../core/state.ts';
import { oneLine, visible } from '../core/text.ts';

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
  held: 'Held back by a kill switch or a breaker',
  paused: 'Paused',
  outage: 'Model or store is away; tried again by itself',
  budget: 'Waiting until a budget opens again',
  bug: 'Stopped by an error in Holdfast or its agent',
  ended: 'Ended',
};

export function card(
  state: RunState,
  waitsFor: string,
  open: readonly ApprovalRecord[],
  refused: { readonly by: string; readonly why: string } | null = null,
): string {
  return [
    `### ${TITLES[state.shownPhase]}`,
    ...(open.length > 0 ? requestLines(state, open) : [waitsFor && `Waits for ${code(waitsFor)}`]),
    refused === null
      ? ''
      : `**Last word that did not count:** ${code(refused.by)}, ${code(refused.why.replaceAll('_', ' '))}`,
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
    state.signed === true
      ? `To answer, run one of the commands below where the decision key is, with your own name in place of ${NAME_PLACEHOLDER}. Signals that are sent by hand do not count here.`
      : `To answer, open **More Actions**, **Send a Signal**, choose \`decide\`, paste one of the lines below as data, and put your own name in place of ${NAME_PLACEHOLDER}. Without a name it does not count.`,
    ...lines,
    left > 0 ? `**${left} more**: \`holdfast approvals\` lists them all.` : '',
  ];
}

function recordLines(state: RunState, record: ApprovalRecord): string[] {
  const { title, answers } = FORMS[record.kind];
  const facts = [
    record.amount && `**amount** ${code(formatAmount(record.amount))}`,
    record.tool !== null && `**tool** ${code(record.tool)}${record.tier === null ? '' : ` (${record.tier})`}`,
    record.payee !== null && `**to** ${code(record.payee)}`,
    `**for** ${code(record.requester)}`,
    record.taint.untrustedSeen && "**strangers' text was read in this conversation**",
    record.taint.suspicious && '**a guard found signs of an injection**',
  ].filter((fact) => typeof fact === 'string');
  return [
    `#### ${title} ${code(record.summary)}`,
    facts.join(' · '),
    `**Why a person is asked:** ${code(record.reason)}`,
    ...(record.origins.length === 0
      ? []
      : [`**Where it came from:** ${record.origins.map((origin) => code(originWords(origin))).join(' · ')}`]),
    ...termLines(record),
    ...(record.quote === null ? [] : [`**The agent's own words, not checked:** ${code(record.quote)}`]),
    `**Decide by** ${new Date(record.deadlineMs).toISOString().slice(0, 16).replace('T', ' ')} UTC; silence is not a yes. **Who may:** ${deciders(record)}`,
    ...answers.map(
      ({ label, decision, command }) =>
        `**${label}:** \`${state.signed === true ? `holdfast ${command.replace('ID', record.id)} --by "${NAME_PLACEHOLDER}"` : JSON.stringify({ approval: record.id, ...decision, by: NAME_PLACEHOLDER, channel: 'ui' })}\``,
    ),
  ];
}

/** What the yes is bound to, and what has changed since somebody was asked before. */
function termLines({ terms, formerTerms }: ApprovalRecord): string[] {
  if (terms === null && formerTerms === null) return [];
  const now = `**Holds while:** ${code(canonicalJson(terms))}`;
  return formerTerms === null
    ? [now]
    : [`**Changed since it was asked before:** ${code(canonicalJson(formerTerms))}`, now];
}

interface Form {
  readonly title: string;
  /** A signal to paste, and the command where signals have to be signed. */
  readonly answers: readonly {
    readonly label: string;
    readonly decision: JsonObject;
    readonly command: string;
  }[];
}

/** What each kind of request asks, and what may be answered. */
const FORMS: Readonly<Record<ApprovalRecord['kind'], Form>> = {
  call: {
    title: 'May this be done?',
    answers: [
      { label: 'Yes', decision: { kind: 'approve' }, command: 'approve ID' },
      {
        label: 'No, and the agent reads why',
        decision: { kind: 'reject', reason: 'WHY NOT' },
        command: 'reject ID --reason "WHY NOT"',
      },
    ],
  },
  question: {
    title: 'The agent asks:',
    answers: [
      {
        label: 'Answer',
        decision: { kind: 'answer', answer: 'YOUR ANSWER' },
        command: 'answer ID --text "YOUR ANSWER"',
      },
      {
        label: 'Decline',
        decision: { kind: 'reject', reason: 'WHY NOT' },
        command: 'reject ID --reason "WHY NOT"',
      },
    ],
  },
  reconcile: {
    title: 'Look, then say:',
    answers: [
      {
        label: 'It happened, with this result',
        decision: { kind: 'answer', answer: { outcome: 'happened', result: {} } },
        command: 'answer ID --happened',
      },
      {
        label: 'It did not happen: do it once more',
        decision: { kind: 'answer', answer: { outcome: 'did_not' } },
        command: 'answer ID --did-not',
      },
      {
        label: 'Nobody can tell: give up',
        decision: { kind: 'answer', answer: { outcome: 'give_up' } },
        command: 'answer ID --give-up',
      },
    ],
  },
  landing: {
    title: 'Go on or stop?',
    answers: [
      { label: 'Go on', decision: { kind: 'approve' }, command: 'approve ID' },
      {
        label: 'Stop: the run ends here',
        decision: { kind: 'reject', reason: 'WHY' },
        command: 'reject ID --reason "WHY"',
      },
    ],
  },
  pause: {
    title: 'Paused for long. Go on or end?',
    answers: [
      { label: 'Go on', decision: { kind: 'approve' }, command: 'approve ID' },
      {
        label: 'End it here',
        decision: { kind: 'reject', reason: 'WHY' },
        command: 'reject ID --reason "WHY"',
      },
    ],
  },
};

function deciders(record: ApprovalRecord): string {
  if (record.requesterMay === 'only') return `only ${code(record.requester)}, who wants it done`;
  const { people = [], roles = [] } = record.approvers;
  const named = [...people, ...roles.map((role) => `role ${role}`)];
  const who = named.length === 0 ? 'anybody' : code(named.join(', '));
  const but = record.requesterMay === 'too' ? '' : ` but ${code(record.requester)}`;
  const whoNot = `${who}${but}`;
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
  const lines = calls
    .slice(0, LIMITS.callsPerStep)
    .map((call) => `- ${code(call.prepared.summary)}: ${outcomeWords(call.outcome)}`);
  const left = calls.length - lines.length;
  return ['#### This step', [...lines, ...(left > 0 ? [`- and ${left} more`] : [])].join('\n')];
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
