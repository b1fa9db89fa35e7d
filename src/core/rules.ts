import { type Check, finite, list, type Members, members, oneOf, onlyTrue, text, whole } from './checks.ts';
import { canonicalJson, isObject } from './json.ts';
import { LIMITS, MAX_RUN_LIMITS } from './limits.ts';
import { minuteOf } from './matching.ts';
import { ORIGINS } from './provenance.ts';
import { shown, utf8Bytes } from './text.ts';

// What is wrong with rules as plain JSON. By hand, because the start of a run is checked inside the workflow.
// Unknown members are problems: a condition that nobody reads would make its rule wider than its author meant.

/** Names of verdicts that no rule wrote: a rule that bore one would make the audit lie. */
const BUILT_IN_NAMES = ['permissions', 'default', 'tainted-argument', 'rule-of-two'];

const TIERS = ['read', 'write_safe', 'write_risky', 'destructive'];

export interface RuleBounds {
  readonly rules: number;
  readonly bytes: number;
}

/** What is wrong with a list of rules; empty when it may be used. Each problem names the rule, the value and what to do. */
export function policyProblems(rules: unknown, bounds: RuleBounds): readonly string[] {
  if (!Array.isArray(rules)) return [`policy is ${shown(rules)}: a list of rules`];
  if (rules.length > bounds.rules)
    return [
      `the policy has ${rules.length} rules, the limit is ${bounds.rules}: join some, or leave some out`,
    ];
  // Holes of a sparse list are rules that are not there, which must not go unnoticed.
  const all: readonly unknown[] = Array.from(rules);
  const problems = all.flatMap(ruleProblems);
  const names = all.map((rule) => (isObject(rule) ? rule.name : undefined));
  for (const name of new Set(names.filter((one, i) => one !== undefined && names.indexOf(one) !== i)))
    problems.push(`two rules are named ${shown(name)}: give each a name of its own`);
  if (problems.length > 0) return problems;
  const bytes = utf8Bytes(canonicalJson(rules));
  return bytes <= bounds.bytes
    ? []
    : [`the policy has ${bytes} bytes, the limit is ${bounds.bytes}: shorten its texts and lists`];
}

/** What is wrong with one rule. */
export function ruleProblems(rule: unknown): readonly string[] {
  if (!isObject(rule)) return [`a rule is ${shown(rule)}: an object with name, match and answer`];
  const problems = members(rule, '', { name: [nameOf], match: [matchOf], answer: [answerOf] }, [
    'name',
    'match',
    'answer',
  ]);
  return problems.map((problem) => `rule ${shown(rule.name)}: ${problem}`);
}

function nameOf(value: unknown, path: string): readonly string[] {
  const problems = text(LIMITS.ruleNameChars)(value, path);
  if (problems.length > 0) return problems;
  if (BUILT_IN_NAMES.includes(String(value)))
    return [`${path} is ${shown(value)}, which the built-in rule bears: choose another`];
  // `learned:`, `run:` and ` + ` are put together from names.
  return /[:+]/.test(String(value)) ? [`${path} is ${shown(value)}: leave out ":" and "+"`] : [];
}

const matchOf: Check = (value, path) => {
  if (!isObject(value)) return [`${path} is ${shown(value)}: an object; {} matches every call`];
  const both = value.amount !== undefined && value.amountUnknown !== undefined;
  return [
    ...members(value, path, {
      tools: [texts],
      tiers: [list(oneOf(TIERS))],
      categories: [texts],
      amount: [amountOf],
      amountUnknown: [onlyTrue],
      untrustedSeen: [onlyTrue],
      privateRead: [onlyTrue],
      suspicious: [onlyTrue],
      origins: [list(oneOf(ORIGINS))],
      firstTime: [list(className)],
      hours: [hoursOf],
      tenants: [texts],
      roles: [texts],
    }),
    ...(both ? [`${path} has amount and amountUnknown, which never hold together: write two rules`] : []),
  ];
};

const amountOf: Check = (value, path) => {
  if (!isObject(value)) return [`${path} is ${shown(value)}: an object with a currency`];
  const { from, below } = value;
  const empty = typeof from === 'number' && typeof below === 'number' && from >= below;
  return [
    ...members(value, path, { currency: [currency], from: [finite], below: [finite] }, ['currency']),
    ...(empty ? [`${path} goes from ${from} to below ${below}: no amount lies there, raise "below"`] : []),
  ];
};

const hoursOf: Check = (value, path) => {
  if (!isObject(value)) return [`${path} is ${shown(value)}: an object with from and to`];
  const problems = members(
    value,
    path,
    {
      from: [timeOfDay],
      to: [timeOfDay],
      offsetMinutes: [whole(-LIMITS.offsetMinutesMax, LIMITS.offsetMinutesMax)],
    },
    ['from', 'to'],
  );
  return problems.length === 0 && value.from === value.to
    ? [`${path} begins and ends at ${shown(value.from)}: leave hours out for the whole day`]
    : problems;
};

const answerOf: Check = (value, path) => {
  if (!isObject(value)) return [`${path} is ${shown(value)}: an object with kind allow, ask or deny`];
  const kind = { kind: [] };
  switch (value.kind) {
    case 'allow':
      return members(value, path, kind);
    case 'deny':
      return members(value, path, { ...kind, reason: [reason], note: [reason] }, ['reason']);
    case 'ask':
      return askProblems(value, path);
    default:
      return [`${path}.kind is ${shown(value.kind)}: allow, ask or deny`];
  }
};

function askProblems(ask: Members, path: string): readonly string[] {
  const problems = members(
    ask,
    path,
    {
      kind: [],
      reason: [reason],
      of: [oneOf(['people', 'requester'])],
      approvers: [approversOf],
      requesterToo: [onlyTrue],
      quorum: [whole(1, LIMITS.quorumMax)],
      deadlineMs: [whole(1, MAX_RUN_LIMITS.approvalMs)],
      remindAfterMs: [list(timeMs, LIMITS.remindersMax)],
      escalation: [list(stepOf, LIMITS.escalationStepsMax)],
      onExpiry: [oneOf(['reject', 'escalate'])],
    },
    ['reason'],
  );
  if (problems.length > 0) return problems;
  const steps = (ask.escalation ?? []) as readonly {
    readonly afterMs: number;
    readonly approvers: Members;
  }[];
  return [
    ...timesProblems((ask.remindAfterMs ?? []) as readonly number[], ask.deadlineMs, `${path}.remindAfterMs`),
    ...timesProblems(
      steps.map((step) => step.afterMs),
      ask.deadlineMs,
      `${path}.escalation`,
    ),
    ...(ask.of === 'requester' ? ofRequesterProblems(ask, path) : quorumProblems(ask, steps, path)),
  ];
}

function timesProblems(times: readonly number[], deadlineMs: unknown, path: string): readonly string[] {
  const [late] = times.filter((ms) => typeof deadlineMs === 'number' && ms >= deadlineMs);
  return [
    ...(times.some((ms, i) => i > 0 && ms <= (times[i - 1] ?? 0))
      ? [`${path} is at ${shown(times)}: put the times in ascending order, each once`]
      : []),
    ...(late === undefined
      ? []
      : [`${path} is at ${late}, the deadline at ${shown(deadlineMs)}: choose a time before it`]),
  ];
}

/** Only the customer can say this yes, so nothing that speaks of other deciders has a meaning. */
function ofRequesterProblems(ask: Members, path: string): readonly string[] {
  const others = ['approvers', 'requesterToo', 'quorum', 'escalation'].filter(
    (name) => ask[name] !== undefined,
  );
  return others.length === 0
    ? []
    : [`${path} asks the requester, who decides alone: leave out ${others.join(', ')}, or ask people`];
}

/** A quorum that the named people can never reach would be a refusal in disguise. */
function quorumProblems(
  ask: Members,
  steps: readonly { readonly approvers: Members }[],
  path: string,
): readonly string[] {
  const named = [ask.approvers, ...steps.map((step) => step.approvers)].filter(isObject);
  if (ask.approvers === undefined || named.some((one) => one.roles !== undefined)) return [];
  const people = new Set(named.flatMap((one) => (one.people ?? []) as readonly string[]));
  const most = people.size + (ask.requesterToo === true ? 1 : 0);
  return Number(ask.quorum ?? 1) > most
    ? [`${path}.quorum is ${shown(ask.quorum)} of ${most} who may decide: name more people or a role`]
    : [];
}

const stepOf: Check = (value, path) =>
  isObject(value)
    ? members(value, path, { afterMs: [timeMs], approvers: [approversOf] }, ['afterMs', 'approvers'])
    : [`${path} is ${shown(value)}: an object with afterMs and approvers`];

const approversOf: Check = (value, path) => {
  if (!isObject(value)) return [`${path} is ${shown(value)}: an object with people, roles or both`];
  if (value.people === undefined && value.roles === undefined)
    return [`${path} names nobody, which would let everybody decide: name people or roles`];
  return members(value, path, { people: [texts], roles: [texts] });
};

const reason = text(LIMITS.reasonChars);
const texts = list(text(LIMITS.personChars));
const timeMs = whole(1, MAX_RUN_LIMITS.approvalMs);

const currency: Check = (value, path) =>
  typeof value === 'string' && /^[A-Z]{3}$/.test(value)
    ? []
    : [`${path} is ${shown(value)}: an ISO 4217 code, such as "USD"`];

const timeOfDay: Check = (value, path) =>
  typeof value === 'string' && minuteOf(value) !== null
    ? []
    : [`${path} is ${shown(value)}: a time of day from "00:00" to "23:59"`];

const className: Check = (value, path) => {
  const problems = text(LIMITS.personChars)(value, path);
  return problems.length === 0 && String(value).includes(':')
    ? [`${path} is ${shown(value)}: the name of the class alone, what stands before ":"`]
    : problems;
};
