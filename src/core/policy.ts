import type { Amount } from './money.ts';
import type { Taint } from './taint.ts';

/** How much harm a tool can do. Unlabelled tools count as the worst. */
export type Tier = 'read' | 'write_safe' | 'write_risky' | 'destructive';

/** What a policy looks at. Plain data, made beside the model (the prepared call) and from the run's state. */
export interface PolicyFacts {
  readonly tool: string;
  readonly category: string;
  readonly tier: Tier;
  readonly touches: 'none' | 'state' | 'external';
  readonly amount: Amount | null;
  readonly taint: Taint;
  readonly requester: { readonly tenant: string | null; readonly roles: readonly string[] };
  /** Classes of the call (`name:value`, such as `refund-to:card_1`) that no effect of this tenant and agent has had yet. */
  readonly firstOf: readonly string[];
  /** The learned rule that covers this call, when there is one. */
  readonly learned: string | null;
  /** The workflow's time. */
  readonly nowMs: number;
}

/** The class that every effect has by itself: this tool, in this release. Its value is `tool@release`. */
export const FIRST_USE = 'first-use';

/** Stands in `firstOf` when a call's classes could not be known: it may be the first of any, so every `firstTime` matches. */
export const ANY_CLASS = '*';

/** All members that are present must hold. An empty match holds for every call. */
export interface RuleMatch {
  readonly tools?: readonly string[];
  readonly tiers?: readonly Tier[];
  readonly categories?: readonly string[];
  /** The amount is known and lies in this range: `from` inclusive, `below` exclusive. Another currency never matches. */
  readonly amount?: { readonly currency: string; readonly from?: number; readonly below?: number };
  /** No amount, or one that is not a finite number. */
  readonly amountUnknown?: true;
  readonly untrustedSeen?: true;
  /** The call is the first of one of these classes, by name: `refund-to` matches `refund-to:card_1`. */
  readonly firstTime?: readonly string[];
  /** Between two times of day, `from` inclusive, `to` exclusive; may span midnight. UTC plus a fixed offset. */
  readonly hours?: { readonly from: string; readonly to: string; readonly offsetMinutes?: number };
  readonly tenants?: readonly string[];
  readonly roles?: readonly string[];
}

export type RuleAnswer =
  | { readonly kind: 'allow' }
  | Ask
  | {
      readonly kind: 'deny';
      /** For the model: what to do instead. */
      readonly reason: string;
      /** For people who read why. Default: the rule's name. */
      readonly note?: string;
    };

/** Times count from the opening of the request. */
export interface Ask {
  readonly kind: 'ask';
  /** For people: why this needs a decision. */
  readonly reason: string;
  /** `requester`: the customer must say yes to exactly this. Default `people`: anybody but the requester. */
  readonly of?: 'people' | 'requester';
  /** Who may decide; nobody named = everybody. */
  readonly approvers?: Approvers;
  /** The requester may decide as well, as one of the people. */
  readonly requesterToo?: true;
  /** Distinct people who must approve. Default 1. */
  readonly quorum?: number;
  readonly deadlineMs?: number;
  /** When to remind those who may decide. */
  readonly remindAfterMs?: readonly number[];
  /** After a time without a decision, others may decide too, and are told. */
  readonly escalation?: readonly { readonly afterMs: number; readonly approvers: Approvers }[];
  /** Silence never approves: it rejects (default), or hands the conversation over to people. */
  readonly onExpiry?: 'reject' | 'escalate';
}

export interface Approvers {
  /** Ids of people. */
  readonly people?: readonly string[];
  readonly roles?: readonly string[];
}

export interface Rule {
  readonly name: string;
  readonly match: RuleMatch;
  readonly answer: RuleAnswer;
}

export interface Permissions {
  readonly tiers: readonly Tier[];
  /** Tools by name; absent = every tool of the agent. */
  readonly tools?: readonly string[];
}

export interface Verdict {
  /** The rule that answered, or the built-in one. */
  readonly rule: string;
  readonly answer: RuleAnswer;
}

/**
 * What the run may do with a call: permissions first, then the rules in order, then the built-in defaults.
 * Pure; runs in the workflow. It is the boundary, and holds for a model that is assumed hostile.
 */
export function decide(
  permissions: Permissions,
  rules: readonly Rule[],
  facts: PolicyFacts,
  _ownRules: readonly Rule[] = [],
): Verdict {
  if (!permissions.tiers.includes(facts.tier) || permissions.tools?.includes(facts.tool) === false)
    return {
      rule: 'permissions',
      answer: {
        kind: 'deny',
        reason: `This agent may not use ${facts.tool}. Do not try again; tell the customer what you can do instead.`,
      },
    };
  const rule = rules.find((candidate) => matches(candidate.match, facts));
  const verdict: Verdict = rule ? { rule: rule.name, answer: rule.answer } : byTier(facts.tier);
  return verdict.answer.kind === 'allow' && allThreeLegs(facts) ? THREE_LEGS : verdict;
}

/** Untrusted input, private data and an outward effect in one run: the shape of every exfiltration. Always a person. */
const THREE_LEGS: Verdict = {
  rule: 'rule-of-two',
  answer: {
    kind: 'ask',
    reason: 'The run has read untrusted text and private data, and this call reaches outside.',
  },
};

function allThreeLegs(facts: PolicyFacts): boolean {
  return facts.touches === 'external' && facts.taint.untrustedSeen && facts.taint.privateRead;
}

function byTier(tier: Tier): Verdict {
  switch (tier) {
    case 'read':
    case 'write_safe':
      return { rule: 'default', answer: { kind: 'allow' } };
    case 'write_risky':
    case 'destructive':
      return { rule: 'default', answer: { kind: 'ask', reason: `No rule covers this ${tier} call.` } };
    default:
      return tier satisfies never;
  }
}

function matches(match: RuleMatch, facts: PolicyFacts): boolean {
  if (match.tools && !match.tools.includes(facts.tool)) return false;
  if (match.tiers && !match.tiers.includes(facts.tier)) return false;
  if (match.categories && !match.categories.includes(facts.category)) return false;
  const amount = facts.amount !== null && Number.isFinite(facts.amount.value) ? facts.amount : null;
  if (match.amountUnknown && amount !== null) return false;
  if (match.untrustedSeen && !facts.taint.untrustedSeen) return false;
  if (match.tenants && !match.tenants.includes(facts.requester.tenant ?? '')) return false;
  if (match.roles && !match.roles.some((role) => facts.requester.roles.includes(role))) return false;
  return !match.amount || amountMatches(match.amount, amount);
}

function amountMatches(range: NonNullable<RuleMatch['amount']>, amount: Amount | null): boolean {
  if (amount === null || amount.currency !== range.currency) return false;
  return amount.value >= (range.from ?? -Infinity) && amount.value < (range.below ?? Infinity);
}
