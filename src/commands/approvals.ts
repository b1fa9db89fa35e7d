import type { Command } from 'commander';
import { type DecideReply, type Decision, type HoldfastClient, HoldfastError } from '../client.ts';
import { type ApprovalRecord, decideApproval, parseDecision } from '../core/approvals.ts';
import type { ApprovalId, CallKey, Hash } from '../core/ids.ts';
import { canonicalJson, type Json, type JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { formatAmount } from '../core/money.ts';
import type { Tier } from '../core/policy.ts';
import { originWords } from '../core/provenance.ts';
import { oneLine } from '../core/text.ts';
import { type ApprovalRow, findApproval, listApprovals } from '../store/views.ts';
import { addApprovalStats } from './approvalStats.ts';
import { CommandError } from './failures.ts';
import { jsonObject, wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import { decidedText, decidedWords, refusalText, whoMay } from './reply.ts';
import type { Session } from './session.ts';
import { facts, moment } from './table.ts';
import type { Colors } from './terminal.ts';

/** A worker that is there answers within a fraction of this. */
const DECIDE_TIMEOUT_MS = 4_000;

interface DecideFlags {
  readonly by: string;
  readonly reason?: string;
}

export function addApprovalCommands(program: Command, run: Run): void {
  const approvals = program
    .command('approvals')
    .description('list what people are asked, the most urgent first')
    .option('--all', 'closed ones too, the newest first', false)
    .option('--limit <n>', 'how many at most', wholeNumber(1, LIMITS.listRows), LIMITS.listRows)
    .action((flags: { readonly all: boolean; readonly limit: number }) =>
      run(async (session) => {
        const approvals = await session.store((sql) => listApprovals(sql, flags));
        session.terminal.show({ approvals }, (shown, paint) => listText(shown.approvals, flags.all, paint));
        return undefined;
      }),
    );
  addApprovalStats(approvals, run);
  const decision = (name: Decision['kind'], description: string, why: string) =>
    program
      .command(name)
      .description(description)
      .argument('<approval-id>')
      .requiredOption('--by <name>', 'who decides')
      .option('--reason <text>', why);
  decision('approve', 'say yes to exactly what is listed', 'why')
    .option(
      '--learn <days>',
      'and from now on, for this tool and payee, up to this amount, for so many days',
      wholeNumber(1, LIMITS.learnedRuleDaysMax),
    )
    .action((id: string, flags: DecideFlags & { readonly learn?: number }) =>
      run((session) => {
        const learn = flags.learn === undefined ? {} : { learn: { days: flags.learn } };
        return decide(session, id, flags, { kind: 'approve', ...learn });
      }),
    );
  decision('reject', 'say no; the agent is told, with the reason', 'why not: the agent reads it').action(
    (id: string, flags: DecideFlags) => run((session) => decide(session, id, flags, { kind: 'reject' })),
  );
  decision('edit', 'let it run with other arguments; they go through the policy again', 'why')
    .requiredOption('--arguments <json>', 'all arguments, as they shall be', jsonObject)
    .action((id: string, flags: DecideFlags & { readonly arguments: JsonObject }) =>
      run((session) => decide(session, id, flags, { kind: 'edit', arguments: flags.arguments })),
    );
  decision(
    'answer',
    'say what became of an effect whose outcome nobody knows, or answer a question of the agent',
    'how you know',
  )
    .option('--happened [json]', 'it happened, with this result', jsonObject)
    .option('--did-not', 'it did not happen: run it once more')
    .option('--give-up', 'nobody can tell: go on without it')
    .option('--text <words>', 'the answer to a question')
    .action((id: string, flags: DecideFlags & AnswerFlags) =>
      run((session) => decide(session, id, flags, { kind: 'answer', answer: answerOf(flags) })),
    );
}

interface AnswerFlags {
  readonly happened?: JsonObject | true;
  readonly didNot?: boolean;
  readonly giveUp?: boolean;
  readonly text?: string;
}

function answerOf(flags: AnswerFlags): Json {
  const said: Json[] = [
    ...(flags.happened === undefined
      ? []
      : [{ outcome: 'happened', result: flags.happened === true ? {} : flags.happened }]),
    ...(flags.didNot === true ? [{ outcome: 'did_not' }] : []),
    ...(flags.giveUp === true ? [{ outcome: 'give_up' }] : []),
    ...(flags.text === undefined ? [] : [flags.text]),
  ];
  if (said.length !== 1 || said[0] === undefined)
    throw new CommandError(
      'usage',
      'usage',
      'say exactly one of --happened, --did-not, --give-up and --text',
    );
  return said[0];
}

/** What became of a decision: the run's own answer, or `sent` where no worker was there to give one. */
export type Decided = Exclude<DecideReply, { kind: 'refused' }> | { readonly kind: 'sent' };

async function decide(
  session: Session,
  id: string,
  flags: DecideFlags,
  what: Pick<Decision, 'kind' | 'answer' | 'arguments' | 'learn'>,
): Promise<undefined> {
  const approval = await session.store((sql) => findApproval(sql, id));
  if (approval === null)
    throw new CommandError(
      'notFound',
      'unknown_approval',
      `there is no approval "${id}": list the open ones with "holdfast approvals"`,
    );
  const decision: Decision = {
    ...what,
    approval: id,
    by: flags.by,
    channel: 'cli',
    ...(flags.reason !== undefined && { reason: flags.reason }),
    // A yes is a yes to the arguments that were listed, and to no others.
    ...(approval.argsHash !== null && { argsHash: approval.argsHash }),
  };
  refuseEarly(approval, decision);
  const { workflowId } = approval;
  const decided = await session.temporal((holdfast) => deliver(holdfast, approval, decision));
  session.terminal.show({ approval: id, workflowId, decided }, (shown, paint) =>
    shown.decided.kind === 'sent'
      ? `${paint.green('sent')} ${shown.approval}: it counts, by the time the server received it, as soon as a worker is back`
      : `${paint.green(shown.decided.kind)} ${shown.approval} ${decidedWords(shown.decided)}`,
  );
  if (decided.kind === 'sent')
    session.terminal.note(
      `no worker answered within ${DECIDE_TIMEOUT_MS / 1_000} s: the decision was sent as a signal`,
    );
  return undefined;
}

/** Asks the run, where a worker answers for it; else leaves the decision in its history. */
export async function deliver(
  holdfast: HoldfastClient,
  approval: ApprovalRow,
  decision: Decision,
): Promise<Decided> {
  const input = { workflowId: approval.workflowId, ...decision };
  try {
    const reply = await holdfast.decideNow(input, { timeoutMs: DECIDE_TIMEOUT_MS });
    if (reply.kind === 'refused') throw refusal(reply.why, approval);
    return reply;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'timed_out') throw error;
    // Should the update be read after all, the run refuses the second of the two as a duplicate.
    await holdfast.decide(input);
    return { kind: 'sent' };
  }
}

/**
 * What the store already knows to be no decision is said at once: a signal that is refused later is refused where
 * nobody reads it.
 */
export function refuseEarly(approval: ApprovalRow, decision: Decision): void {
  if (approval.state !== 'open') throw refusal('already_decided', approval);
  if (approval.overdue) throw refusal('too_late', approval);
  const parsed = parseDecision(decision);
  if (parsed === null)
    throw new CommandError(
      'refused',
      'malformed',
      `the decision is malformed: --by has 1 to ${LIMITS.personChars} characters, --reason at most ${LIMITS.reasonChars}`,
    );
  const outcome = decideApproval(asRecord(approval), parsed, { identity: 'unverified', roles: [] }, 0);
  if (outcome.kind === 'refused') throw refusal(outcome.why, approval);
}

/** The open record, as far as the store has it: what it does not know counts for the decider. */
function asRecord(approval: ApprovalRow): ApprovalRecord {
  const { roles = [] } = approval.approvers;
  return {
    ...approval,
    id: approval.id as ApprovalId,
    key: approval.key as CallKey,
    argsHash: approval.argsHash as Hash | null,
    release: null,
    tier: approval.tier as Tier | null,
    terms: null,
    formerTerms: null,
    // Who has which role is the directory's to say, and the run asks it.
    approvers: roles.length > 0 ? {} : approval.approvers,
    openedAtMs: Date.parse(approval.openedAt),
    // Lateness was judged by the database's clock.
    deadlineMs: Number.POSITIVE_INFINITY,
    reminders: [],
    escalation: [],
    state: { kind: 'open' },
    votes: [],
  };
}

function refusal(why: Extract<DecideReply, { kind: 'refused' }>['why'], approval: ApprovalRow): CommandError {
  return new CommandError(
    'refused',
    why,
    `${approval.id} cannot be decided like this: ${refusalText(why, approval)}`,
  );
}

function listText(approvals: readonly ApprovalRow[], all: boolean, paint: Colors): string {
  if (approvals.length === 0) return all ? 'no approvals' : 'nothing is waiting for people';
  return approvals.map((approval) => approvalText(approval, paint)).join('\n\n');
}

const ARGUMENTS_CHARS = 400;

/** Everything a person needs to decide, and the command to do it with. */
export function approvalText(approval: ApprovalRow, paint: Colors): string {
  const open = approval.state === 'open' && !approval.overdue;
  const state = open ? 'open' : approval.overdue ? 'overdue' : decidedText(approval);
  return [
    `${paint.bold(approval.summary)}  ${(open ? paint.yellow : paint.dim)(`[${state}]`)}`,
    facts(
      [
        ['id', approval.id],
        ['why', approval.rule === null ? approval.reason : `${approval.reason} (rule ${approval.rule})`],
        ['amount', approval.amount === null ? null : formatAmount(approval.amount)],
        ['payee', approval.payee],
        ['call', approval.tool === null ? null : `${approval.tool} ${json(approval.arguments)}`],
        ['terms', approval.terms === null ? null : json(approval.terms)],
        [
          'before',
          approval.formerTerms === null
            ? null
            : `${json(approval.formerTerms)} (it was asked with these terms before)`,
        ],
        ['origins', approval.origins.map(originWords).join('; ') || null],
        ['taint', taintText(approval)],
        ['evidence', approval.evidence === null ? null : oneLine(approval.evidence, ARGUMENTS_CHARS)],
        [
          'quoted',
          approval.quote === null
            ? null
            : `"${oneLine(approval.quote, ARGUMENTS_CHARS)}" ${paint.dim("(the model's own words, checked by nobody)")}`,
        ],
        ['for', `${approval.requester} (${approval.workflowId})`],
        ['who', whoText(approval)],
        ['until', untilText(approval)],
        ['decide', open ? verbsText(approval) : null],
      ],
      paint,
    ),
  ].join('\n');
}

/** The commands that decide it. */
export function verbsText({ id, kind }: Pick<ApprovalRow, 'id' | 'kind'>, by = 'NAME'): string {
  const reject = `holdfast reject ${id} --by ${by} --reason WHY`;
  switch (kind) {
    case 'reconcile':
      return `holdfast answer ${id} --by ${by} --happened | --did-not | --give-up`;
    case 'question':
      return `holdfast answer ${id} --by ${by} --text ANSWER, or: ${reject}`;
    case 'call':
    case 'landing':
    case 'pause':
      return `holdfast approve ${id} --by ${by}, or: ${reject}`;
    default:
      return kind satisfies never;
  }
}

function taintText({ taint }: ApprovalRow): string | null {
  const seen = [
    ...(taint.untrustedSeen ? ['text that a stranger could have written'] : []),
    ...(taint.privateRead ? ['private data'] : []),
  ];
  const read = seen.length === 0 ? [] : [`the run has read ${seen.join(' and ')}`];
  const signs = taint.suspicious ? ['a guard found signs of an injection'] : [];
  return [...read, ...signs].join('; ') || null;
}

function whoText(approval: ApprovalRow): string {
  const who = whoMay(approval);
  return approval.quorum <= 1 ? who : `${approval.quorum} people of: ${who}`;
}

function untilText({ deadline, onExpiry }: ApprovalRow): string {
  const after = onExpiry === 'reject' ? 'it is rejected' : 'the conversation goes to people';
  return `${moment(deadline)} UTC; then ${after}`;
}

function json(value: Json): string {
  return oneLine(canonicalJson(value), ARGUMENTS_CHARS);
}
