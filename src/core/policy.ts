import { mismatch } from './matching.ts';
import type { Amount } from './money.ts';
import { type Origin, type OriginFrom, taintedArguments, taintedReason } from './provenance.ts';
import type { Taint } from './taint.ts';
import { tightenVerdict } from './tighten.ts';

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
  /** Where the sensitive arguments came from. */
  readonly origins: readonly Origin[];
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
  readonly privateRead?: true;
  /** A guard found signs of an injection in what the run has read. */
  readonly suspicious?: true;
  /** Some sensitive argument came from one of these. */
  readonly origins?: readonly OriginFrom[];
  /** The call is the first of one of these classes, by name: `refund-to` matches `refund-to:card_1`. */
  readonly firstTime?: readonly string[];
  /**
   * Between two times of day (`HH:MM`), `from` inclusive, `to` exclusive; may span midnight. UTC plus a fixed offset.
   * Two equal times hold never; who writes rules is told to leave the hours out.
   */
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

/** What may be done with a call, and which rule said so. */
export interface Verdict {
  /**
   * The rule that answered, or the built-in one (`permissions`, `default`, `tainted-argument`, `rule-of-two`), or `learned:<id>`.
   * A rule of the run is `run:<name>`; where it joined another rule's question, `<rule> + run:<name>`.
   */
  readonly rule: string;
  readonly answer: RuleAnswer;
}

/** How a verdict came about. */
export interface Explanation {
  readonly verdict: Verdict;
  /** What spoke, in order; each verdict replaces the one before. The last is the verdict. */
  readonly stages: readonly {
    readonly by: 'permissions' | 'rule' | 'default' | 'learned' | 'tainted_argument' | 'three_legs' | 'run';
    readonly verdict: Verdict;
  }[];
  /** The release's rules in order, up to the one that matched; none where the permissions denied. */
  readonly tried: readonly TriedRule[];
  /** The run's own rules, in the same way. */
  readonly ownTried: readonly TriedRule[];
}

export interface TriedRule {
  readonly rule: Rule;
  /** The first member of its match that did not hold; null: the rule matched. */
  readonly failed: keyof RuleMatch | null;
}

/**
 * What the run may do with a call. Pure; runs in the workflow. It is the boundary, and holds for a model that is
 * assumed hostile. In this order:
 *
 * D1. A tier or tool outside the permissions is denied.
 * D2. The first rule that matches answers; without one, the tier does.
 * D3. A learned rule answers in the place of one person, and of nobody else (`mayBeLearned`).
 * D4. A sensitive argument that only untrusted text has is never allowed; nor, once such text was read, is one that is
 *     nowhere in the conversation. A person is asked, and told where it came from.
 * D5. Three legs are never allowed: a person is asked.
 * D6. The run's own rules only tighten what came out, also a learned yes.
 */
export function decide(
  permissions: Permissions,
  rules: readonly Rule[],
  facts: PolicyFacts,
  ownRules: readonly Rule[] = [],
): Verdict {
  return explain(permissions, rules, facts, ownRules).verdict;
}

/** The same decision, with the way to it. */
export function explain(
  permissions: Permissions,
  rules: readonly Rule[],
  facts: PolicyFacts,
  ownRules: readonly Rule[] = [],
): Explanation {
  if (!permits(permissions, facts)) {
    const verdict = notPermitted(facts.tool);
    return { verdict, stages: [{ by: 'permissions', verdict }], tried: [], ownTried: [] };
  }
  const tried = tryRules(rules, facts);
  const rule = matched(tried);
  let verdict = rule === null ? byTier(facts.tier) : { rule: rule.name, answer: rule.answer };
  const stages: Explanation['stages'][number][] = [{ by: rule === null ? 'default' : 'rule', verdict }];
  const next = (by: Explanation['stages'][number]['by'], changed: Verdict) => {
    if (changed === verdict) return;
    verdict = changed;
    stages.push({ by, verdict });
  };
  if (facts.learned !== null && mayBeLearned(verdict.answer, facts))
    next('learned', { rule: `learned:${facts.learned}`, answer: { kind: 'allow' } });
  const tainted = taintedArguments(facts.origins, facts.taint);
  if (verdict.answer.kind === 'allow' && tainted.length > 0)
    next('tainted_argument', {
      rule: TAINTED_ARGUMENT,
      answer: { kind: 'ask', reason: taintedReason(tainted) },
    });
  if (verdict.answer.kind === 'allow' && allThreeLegs(facts)) next('three_legs', THREE_LEGS);
  const ownTried = tryRules(ownRules, facts);
  const own = matched(ownTried);
  if (own !== null) next('run', tightenVerdict(verdict, own));
  return { verdict, stages, tried, ownTried };
}

/** Whether the agent may use this tool at all, whatever its rules say. */
export function permits(permissions: Permissions, tool: Pick<PolicyFacts, 'tool' | 'tier'>): boolean {
  return permissions.tiers.includes(tool.tier) && permissions.tools?.includes(tool.tool) !== false;
}

function notPermitted(tool: string): Verdict {
  return {
    rule: 'permissions',
    answer: {
      kind: 'deny',
      reason: `This agent may not use ${tool}. Do not try again; tell the customer what you can do instead.`,
    },
  };
}

function tryRules(rules: readonly Rule[], facts: PolicyFacts): readonly TriedRule[] {
  const tried: TriedRule[] = [];
  for (const rule of rules) {
    const failed = mismatch(rule.match, facts);
    tried.push({ rule, failed });
    if (failed === null) break;
  }
  return tried;
}

function matched(tried: readonly TriedRule[]): Rule | null {
  const last = tried.at(-1);
  return last?.failed === null ? last.rule : null;
}

/** One approver taught it, so it is never the word of two, of the customer, or of the person whom D4 and D5 need. */
function mayBeLearned(answer: RuleAnswer, facts: PolicyFacts): boolean {
  return (
    answer.kind === 'ask' &&
    answer.of !== 'requester' &&
    (answer.quorum ?? 1) <= 1 &&
    facts.tier !== 'destructive' &&
    taintedArguments(facts.origins, facts.taint).length === 0 &&
    !allThreeLegs(facts)
  );
}

const TAINTED_ARGUMENT = 'tainted-argument';

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
