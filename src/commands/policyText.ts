import { formatAmount } from '../core/money.ts';
import type { Approvers, Ask, Explanation, PolicyFacts, RuleAnswer, RuleMatch } from '../core/policy.ts';
import type { ShownExplanation, ShownLint, ShownTried } from './policy.ts';
import { facts as factLines, indented, moment, table } from './table.ts';
import type { Colors } from './terminal.ts';

// Verdicts, rules and findings in words.

/** Why a member of a rule's match does not hold for a call. */
export function whyNot(member: keyof RuleMatch, match: RuleMatch, facts: PolicyFacts): string {
  const noneOf = (names: readonly string[] | undefined) => `not ${(names ?? []).join(' or ')}`;
  switch (member) {
    case 'tools':
      return `the tool is ${facts.tool}, ${noneOf(match.tools)}`;
    case 'tiers':
      return `the tier is ${facts.tier}, ${noneOf(match.tiers)}`;
    case 'categories':
      return `the category is ${facts.category}, ${noneOf(match.categories)}`;
    case 'amount':
      return `${amountText(facts)}, not ${rangeText(match.amount)}`;
    case 'amountUnknown':
      return `${amountText(facts)}, so it is known`;
    case 'untrustedSeen':
      return 'the run has read no untrusted text';
    case 'privateRead':
      return 'the run has read no private data';
    case 'suspicious':
      return 'no guard found signs of an injection';
    case 'origins':
      return `${originsText(facts)}, ${noneOf(match.origins)}`;
    case 'firstTime':
      return `the call is not the first of ${(match.firstTime ?? []).join(' or ')}`;
    case 'hours':
      return `it is ${moment(new Date(facts.nowMs).toISOString())} UTC, not ${hoursText(match.hours)}`;
    case 'tenants':
      return `the tenant is ${facts.requester.tenant ?? 'none'}, ${noneOf(match.tenants)}`;
    case 'roles':
      return `the requester is ${facts.requester.roles.join(', ') || 'without a role'}, ${noneOf(match.roles)}`;
    default:
      return member satisfies never;
  }
}

function originsText({ origins }: PolicyFacts): string {
  return origins.length === 0
    ? 'there is no sensitive argument'
    : origins
        .map(({ field, from, tool }) => `${field} is ${from}${tool === null ? '' : ` (${tool})`}`)
        .join(', ');
}

function amountText({ amount }: PolicyFacts): string {
  return amount === null ? 'there is no amount' : `the amount is ${formatAmount(amount)}`;
}

function rangeText(range: RuleMatch['amount']): string {
  const from = range?.from === undefined ? '' : `from ${range.from} `;
  const below = range?.below === undefined ? '' : `below ${range.below} `;
  return `${from}${below}${range?.currency ?? ''}`;
}

function hoursText(hours: RuleMatch['hours']): string {
  const minutes = hours?.offsetMinutes ?? 0;
  const zone = minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '-' : '+'}${clock(Math.abs(minutes))}`;
  return `from ${hours?.from} to ${hours?.to} ${zone}`;
}

function clock(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

export function explanationText(shown: ShownExplanation, paint: Colors, columns: number): string {
  const { facts } = shown;
  const unknown = (name: string) => {
    const found = shown.unknown.find(({ fact }) => fact === name);
    return found && `${paint.yellow('unknown here')}, judged as none: ${found.why}`;
  };
  return [
    `${answerWord(shown.answer, paint)}  ${paint.bold(shown.rule)}`,
    factLines(answerFacts(shown.answer), paint),
    '',
    paint.bold('call'),
    factLines(
      [
        ['agent', `${shown.agent}, release ${shown.release.slice(0, 12)}`],
        ['tool', `${shown.tool} (${facts.tier}, ${facts.category}, touches ${facts.touches})`],
        ['what', shown.summary],
        ['amount', unknown('amount') ?? (facts.amount === null ? 'none' : formatAmount(facts.amount))],
        ['payee', unknown('payee') ?? shown.payee],
        ['classes', unknown('classes') ?? (shown.classes.join(', ') || null)],
        ['first of', facts.firstOf.join(', ') || 'none (say it with --first)'],
        ['seen', taintText(facts)],
        ['origins', facts.origins.length === 0 ? null : originsText(facts)],
        ['requester', [facts.requester.tenant ?? 'no tenant', ...facts.requester.roles].join(', ')],
        ['time', `${moment(new Date(facts.nowMs).toISOString())} UTC`],
        ['learned', facts.learned],
      ],
      paint,
    ),
    ...section(paint.bold('rules'), triedText(shown.tried, paint, columns)),
    ...section(paint.bold('rules of the run'), triedText(shown.ownTried, paint, columns)),
    ...section(
      paint.bold('how'),
      table(
        ['by', 'answer', 'rule'],
        shown.stages.map(({ by, verdict }) => [BY[by], verdict.answer.kind, verdict.rule]),
        paint,
        columns - 2,
      ),
    ),
  ].join('\n');
}

const BY: Readonly<Record<Explanation['stages'][number]['by'], string>> = {
  permissions: 'permissions of the agent',
  rule: 'first rule that matches',
  default: 'no rule matches: the tier',
  learned: 'a learned rule',
  tainted_argument: 'where an argument came from',
  three_legs: 'untrusted text + private data + outward',
  run: 'a rule of the run',
};

function section(title: string, body: string): readonly string[] {
  return body === '' ? [] : ['', title, indented(body, '  ')];
}

function triedText(tried: readonly ShownTried[], paint: Colors, columns: number): string {
  if (tried.length === 0) return '';
  return table(
    ['rule', 'matches', 'why not'],
    tried.map((one) => [
      one.rule,
      one.failed === null ? { text: 'yes', paint: paint.green } : 'no',
      one.why ?? '',
    ]),
    paint,
    columns - 2,
  );
}

function taintText({ taint }: PolicyFacts): string {
  const seen = [
    ...(taint.untrustedSeen ? ['untrusted text'] : []),
    ...(taint.privateRead ? ['private data'] : []),
    ...(taint.suspicious ? ['signs of an injection'] : []),
  ];
  return seen.join(', ') || 'neither untrusted text nor private data';
}

function answerWord(answer: RuleAnswer, paint: Colors): string {
  switch (answer.kind) {
    case 'allow':
      return paint.green('allow');
    case 'ask':
      return paint.yellow('ask');
    case 'deny':
      return paint.red('deny');
    default:
      return answer satisfies never;
  }
}

function answerFacts(answer: RuleAnswer): readonly (readonly [string, string | null])[] {
  switch (answer.kind) {
    case 'allow':
      return [['then', 'it runs without asking anybody']];
    case 'deny':
      return [
        ['to the model', answer.reason],
        ['for people', answer.note ?? null],
      ];
    case 'ask':
      return [
        ['why', answer.reason],
        ['decides', decidersText(answer)],
        [
          'within',
          answer.deadlineMs === undefined ? 'the limit approvalMs of the run' : span(answer.deadlineMs),
        ],
        ['reminders', answer.remindAfterMs?.map((ms) => `after ${span(ms)}`).join(', ') ?? null],
        [
          'escalation',
          answer.escalation
            ?.map((step) => `after ${span(step.afterMs)} also ${approversText(step.approvers)}`)
            .join(', ') ?? null,
        ],
        [
          'silence',
          answer.onExpiry === 'escalate' ? 'hands the conversation over to people' : 'rejects the call',
        ],
      ];
    default:
      return answer satisfies never;
  }
}

function decidersText(ask: Ask): string {
  if (ask.of === 'requester') return 'the requester alone';
  const who = approversText(ask.approvers);
  const requester = ask.requesterToo === true ? 'the requester among them' : 'never the requester';
  return `${ask.quorum ?? 1} of ${who}, ${requester}`;
}

function approversText(approvers: Approvers | undefined): string {
  const names = [...(approvers?.people ?? []), ...(approvers?.roles ?? []).map((role) => `role ${role}`)];
  return names.join(', ') || 'everybody';
}

/** `90 s`, `5 min`, `24 h`, `3 d`: the largest unit that leaves no rest. */
function span(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const;
  const unit = units.find(([, size]) => ms % size === 0);
  return unit === undefined ? `${ms} ms` : `${ms / unit[1]} ${unit[0]}`;
}

export function lintText(shown: ShownLint, paint: Colors): string {
  return shown.agents
    .map(({ agent, release, rules, findings }) =>
      [
        `${paint.bold(agent)}, release ${release.slice(0, 12)}: ${rules} rules, ${
          findings.length === 0 ? paint.green('nothing found') : `${findings.length} found`
        }`,
        ...findings.map(
          ({ severity, sentence }) =>
            `  ${severity === 'problem' ? paint.red(severity) : paint.yellow(severity)}  ${sentence}`,
        ),
      ].join('\n'),
    )
    .join('\n');
}
