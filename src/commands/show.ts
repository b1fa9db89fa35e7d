import type { ContentBlock, Message, ToolResultBlock } from '../core/messages.ts';
import { isText, isToolUse, textOf } from '../core/messages.ts';
import { formatMicroUsd } from '../core/money.ts';
import { parkedAs } from '../core/runPhases.ts';
import { oneLine } from '../core/text.ts';
import type { CallView, RunView, Verdict } from '../store/runView.ts';
import type { ApprovalRow, FoundRun, RunRow } from '../store/views.ts';
import { stateCell } from './reading.ts';
import { decidedText } from './reply.ts';
import { facts, indented, moment, table } from './table.ts';
import type { Colors } from './terminal.ts';

/** What `show` answers: plain JSON. */
export interface ShownRun {
  readonly run: RunRow;
  /** Runs under this workflow id, this one among them. */
  readonly sharing: number;
  /** `content` as the model had it with `--transcript`, null otherwise. */
  readonly conversation: readonly {
    readonly seq: number;
    readonly node: string;
    readonly role: Message['role'];
    readonly text: string;
    readonly content: readonly ContentBlock[] | null;
  }[];
  readonly chain: Verdict;
  readonly calls: readonly CallView[];
  readonly approvals: readonly ApprovalRow[];
  readonly handOver: RunView['handOver'];
  readonly audit: Verdict;
}

export function shownRun(found: FoundRun, view: RunView, length: 'short' | 'whole'): ShownRun {
  return {
    run: found.row,
    sharing: found.sharing,
    ...view,
    conversation: view.conversation.map(({ seq, hash, message }) => ({
      seq,
      node: hash,
      role: message.role,
      text: textOf(message.content),
      content: length === 'whole' ? message.content : null,
    })),
  };
}

const SHORT_CHARS = 400;

export function showText(shown: ShownRun, paint: Colors, columns: number): string {
  const sections = [
    head(shown, paint),
    ...section(paint.bold('conversation'), conversationText(shown, paint)),
    ...section(paint.bold('calls'), callsText(shown, paint, columns)),
    ...section(paint.bold('approvals'), approvalsText(shown, paint, columns)),
    ...section(paint.bold('hand-over'), handOverText(shown, paint)),
    ...section(
      paint.bold('records'),
      facts(
        [
          ['conversation', verdictText(shown.chain, 'messages', paint)],
          ['audit', verdictText(shown.audit, 'rows', paint)],
        ],
        paint,
      ),
    ),
  ];
  return sections.join('\n\n');
}

function section(title: string, body: string): readonly string[] {
  return body === '' ? [] : [`${title}\n${body}`];
}

function head({ run, sharing }: ShownRun, paint: Colors): string {
  const state = stateCell(run, paint);
  return [
    `${paint.bold(run.workflowId)}  ${state.paint(state.text)}`,
    facts(
      [
        ['stands', parkedAs(run.state)?.words ?? null],
        ['run', run.run],
        ['shares', sharing > 1 ? `its workflow id with ${sharing - 1} other run(s)` : null],
        ['agent', run.agent],
        ['release', run.release],
        ['requester', run.tenant === null ? run.requester : `${run.requester} (tenant ${run.tenant})`],
        ['used', `${run.step} steps, ${run.tokens} tokens, ${formatMicroUsd(run.costMicroUsd)}`],
        ['started', `${moment(run.startedAt)} UTC`],
        ['moved', run.endedAt === null ? `${moment(run.updatedAt)} UTC` : null],
        ['ended', run.endedAt === null ? null : `${moment(run.endedAt)} UTC`],
      ],
      paint,
    ),
  ].join('\n');
}

function conversationText(shown: ShownRun, paint: Colors): string {
  return shown.conversation
    .map((message) => {
      const who = message.role === 'user' ? paint.cyan('user ') : paint.green('agent');
      const body =
        message.content === null
          ? oneLine(message.text, SHORT_CHARS)
          : message.content.map((block) => blockText(block, paint)).join('\n');
      return body === '' ? '' : `  ${who} ${indented(body, '        ').trimStart()}`;
    })
    .filter((line) => line !== '')
    .join('\n');
}

function blockText(block: ContentBlock, paint: Colors): string {
  if (isText(block)) return block.text;
  if (isToolUse(block)) return paint.dim(`call ${block.name} ${JSON.stringify(block.input)}`);
  if (isResult(block)) return paint.dim(`${block.is_error === true ? 'error' : 'result'} ${block.content}`);
  return paint.dim(`(${block.type})`);
}

function isResult(block: ContentBlock): block is ToolResultBlock {
  return block.type === 'tool_result';
}

function callsText(shown: ShownRun, paint: Colors, columns: number): string {
  if (shown.calls.length === 0) return '';
  return indented(
    table(
      ['call', 'result', 'effect', 'what'],
      shown.calls.map((call) => [
        call.key.slice(shown.run.run.length + 1),
        resultCell(call, paint),
        effectText(call),
        call.summary,
      ]),
      paint,
      columns - 2,
    ),
    '  ',
  );
}

function resultCell(call: CallView, paint: Colors) {
  if (call.result === null) return { text: 'open', paint: paint.yellow };
  return call.result.isError ? { text: 'error', paint: paint.red } : { text: 'ok', paint: paint.green };
}

function effectText({ effect }: CallView): string {
  if (effect === null) return '';
  return effect.fence === 1 ? effect.state : `${effect.state}, attempt ${effect.fence}`;
}

function approvalsText(shown: ShownRun, paint: Colors, columns: number): string {
  if (shown.approvals.length === 0) return '';
  return indented(
    table(
      ['approval', 'state', 'what'],
      shown.approvals.map((approval) => [
        approval.id,
        approval.state === 'open'
          ? {
              text: approval.overdue ? 'overdue' : `open until ${moment(approval.deadline)}`,
              paint: paint.yellow,
            }
          : decidedText(approval),
        approval.summary,
      ]),
      paint,
      columns - 2,
    ),
    '  ',
  );
}

function handOverText({ handOver }: ShownRun, paint: Colors): string {
  if (handOver === null) return '';
  const many = (items: readonly string[]) => (items.length === 0 ? null : items.join('; '));
  return facts(
    [
      ['queue', handOver.queue],
      ['summary', oneLine(handOver.summary, SHORT_CHARS)],
      ['done', many(handOver.done)],
      ['not done', many(handOver.notDone)],
      ['evidence', handOver.evidence === '' ? null : oneLine(handOver.evidence, SHORT_CHARS)],
      ['escalated', handOver.escalatedTo === null ? null : `to ${handOver.escalatedTo}`],
      [
        'accepted',
        handOver.acceptedBy === null
          ? paint.yellow(`by nobody yet: holdfast accept ${handOver.run} --by NAME`)
          : `by ${handOver.acceptedBy} at ${moment(handOver.acceptedAt ?? '')} UTC`,
      ],
    ],
    paint,
  );
}

function verdictText(verdict: Verdict, unit: string, paint: Colors): string {
  return verdict.problem === null
    ? `${verdict.length} ${unit}, ${paint.green('whole')}`
    : paint.red(`broken: ${verdict.problem}`);
}
