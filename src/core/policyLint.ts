import { inHours, MINUTES_A_DAY } from './matching.ts';
import { type Permissions, permits, type Rule, type RuleMatch } from './policy.ts';
import type { ReleaseTool, ToolLabels } from './release.ts';
import { freeTexts } from './schemaPaths.ts';

/** Something about a policy that its author did not mean, or should know. */
export interface PolicyFinding {
  /**
   * Mistakes: `unknown_tool` (the rule names one), and rules that can never answer: `no_tool` of the agent matches,
   * `not_permitted` (those that match are outside the permissions), `shadowed` (earlier rules match all of it).
   * To know: effects that nothing gates, `default_only` (no rule is about the tool) and `always_allowed`; and
   * `untraced_text` (what a stranger wrote may be sent outside, and no rule has anybody read it first).
   */
  readonly kind:
    | 'unknown_tool'
    | 'no_tool'
    | 'not_permitted'
    | 'shadowed'
    | 'default_only'
    | 'always_allowed'
    | 'untraced_text';
  readonly severity: 'problem' | 'warning';
  readonly rule: string | null;
  readonly tool: string | null;
  /** For the author: what it is and what to do. */
  readonly sentence: string;
}

/** What the lint reads of a tool. */
export type LintedTool = Pick<ReleaseTool, 'labels' | 'inputSchema'>;

/**
 * Reads a policy together with the tools it is about. Says only what is certain: a rule that is called dead answers
 * for no call of these tools, while one that is not may still be dead (ranges of several rules are not joined, and
 * whether a tool ever has an amount is not known here). The rules must be well-formed (`policyProblems`).
 */
export function lintPolicy(
  rules: readonly Rule[],
  permissions: Permissions,
  tools: readonly LintedTool[],
): readonly PolicyFinding[] {
  const all = tools.map(({ labels }) => labels);
  const usable = tools.filter(({ labels }) => permits(permissions, { tool: labels.name, tier: labels.tier }));
  const permitted = usable.map(({ labels }) => labels);
  const strangers = permitted.find(({ returns }) => returns === 'untrusted');
  return [
    ...rules.flatMap((rule, i) => [
      ...unknownTools(rule, all),
      ...deadRule(rule, rules.slice(0, i), all, permitted),
    ]),
    ...permitted.filter(isRisky).flatMap((tool) => ungated(tool, rules)),
    ...(strangers === undefined ? [] : usable.flatMap((tool) => untraced(tool, rules, strangers))),
  ];
}

function unknownTools(rule: Rule, tools: readonly ToolLabels[]): readonly PolicyFinding[] {
  return (rule.match.tools ?? [])
    .filter((name) => tools.every((tool) => tool.name !== name))
    .map((name) => ({
      kind: 'unknown_tool',
      severity: 'problem',
      rule: rule.name,
      tool: name,
      sentence: `rule "${rule.name}" names a tool that is not there: "${name}". Mend the name or take it out`,
    }));
}

function deadRule(
  rule: Rule,
  earlier: readonly Rule[],
  tools: readonly ToolLabels[],
  permitted: readonly ToolLabels[],
): readonly PolicyFinding[] {
  const dead = (kind: 'no_tool' | 'not_permitted' | 'shadowed', why: string): readonly PolicyFinding[] => [
    {
      kind,
      severity: 'problem',
      rule: rule.name,
      tool: null,
      sentence: `rule "${rule.name}" can never answer: ${why}`,
    },
  ];
  const about = tools.filter((tool) => isAbout(rule, tool));
  if (about.length === 0)
    return dead(
      'no_tool',
      'no tool of the agent has all that its match names. Mend the match or delete the rule',
    );
  const reached = about.filter((tool) => permitted.includes(tool));
  if (reached.length === 0)
    return dead(
      'not_permitted',
      `${about.map((tool) => tool.name).join(', ')}: outside the permissions, denied before any rule. Permit it or delete the rule`,
    );
  const shadows = reached.map((tool) =>
    earlier.find((one) => isAbout(one, tool) && covers(one.match, rule.match)),
  );
  if (shadows.includes(undefined)) return [];
  const names = [...new Set(shadows.map((one) => `"${one?.name}"`))].join(', ');
  return dead('shadowed', `${names} before it matches all that it matches. Move it up or delete it`);
}

/**
 * The members of a match that choose tools; all others are conditions on a call. A tool without sensitive arguments
 * has no origins, so a rule that asks for some is not about it.
 */
function isAbout({ match }: Rule, tool: ToolLabels): boolean {
  return (
    match.tools?.includes(tool.name) !== false &&
    match.tiers?.includes(tool.tier) !== false &&
    match.categories?.includes(tool.category) !== false &&
    (match.origins === undefined || tool.sensitive.length > 0)
  );
}

type Condition = Exclude<keyof RuleMatch, 'tools' | 'tiers' | 'categories'>;

/** Whether the later rule's condition implies the earlier one's. A new condition does not compile without a test. */
const IMPLIED: {
  readonly [Name in Condition]: (
    earlier: NonNullable<RuleMatch[Name]>,
    later: NonNullable<RuleMatch[Name]>,
  ) => boolean;
} = {
  amount: (earlier, later) =>
    earlier.currency === later.currency &&
    (earlier.from ?? -Infinity) <= (later.from ?? -Infinity) &&
    (earlier.below ?? Infinity) >= (later.below ?? Infinity),
  amountUnknown: () => true,
  untrustedSeen: () => true,
  privateRead: () => true,
  suspicious: () => true,
  origins: isWithin,
  firstTime: isWithin,
  hours: (earlier, later) =>
    Array.from({ length: MINUTES_A_DAY }, (_, minute) => minute * 60_000).every(
      (atMs) => !inHours(later, atMs) || inHours(earlier, atMs),
    ),
  tenants: isWithin,
  roles: isWithin,
};

const CONDITIONS = Object.keys(IMPLIED) as readonly Condition[];

function isWithin(earlier: readonly string[], later: readonly string[]): boolean {
  return later.every((one) => earlier.includes(one));
}

/** For one tool that both are about: every call that the later match holds for, the earlier one holds for as well. */
function covers(earlier: RuleMatch, later: RuleMatch): boolean {
  return CONDITIONS.every((name) => implies(name, earlier, later));
}

function implies<Name extends Condition>(name: Name, earlier: RuleMatch, later: RuleMatch): boolean {
  const wide: RuleMatch[Name] = earlier[name];
  const narrow: RuleMatch[Name] = later[name];
  if (wide === undefined) return true;
  if (narrow === undefined) return false;
  return IMPLIED[name](wide as NonNullable<RuleMatch[Name]>, narrow as NonNullable<RuleMatch[Name]>);
}

function isRisky(tool: ToolLabels): boolean {
  return tool.tier === 'write_risky' || tool.tier === 'destructive';
}

/** Of the rules about a tool: those up to the first that certainly answers where the given conditions hold. */
function reachedRules(
  about: readonly Rule[],
  given: readonly Condition[],
): { readonly reached: readonly Rule[]; readonly isAnswered: boolean } {
  const certain = about.findIndex(({ match }) =>
    CONDITIONS.every((name) => given.includes(name) || match[name] === undefined),
  );
  return certain < 0
    ? { reached: about, isAnswered: false }
    : { reached: about.slice(0, certain + 1), isAnswered: true };
}

function stops({ answer }: Rule): boolean {
  return answer.kind !== 'allow';
}

/** An effect that the policy never asks about or denies. */
function ungated(tool: ToolLabels, rules: readonly Rule[]): readonly PolicyFinding[] {
  const about = rules.filter((rule) => isAbout(rule, tool));
  const finding = { severity: 'warning', tool: tool.name } as const;
  if (about.length === 0)
    return [
      {
        ...finding,
        kind: 'default_only',
        rule: null,
        sentence: `no rule is about ${tool.name} (${tool.tier}): every call asks anybody but the requester. Write a rule that says who decides`,
      },
    ];
  const { reached, isAnswered } = reachedRules(about, []);
  if (!isAnswered || reached.some(stops)) return [];
  return [
    {
      ...finding,
      kind: 'always_allowed',
      rule: reached.at(-1)?.name ?? null,
      sentence: `rule "${reached.at(-1)?.name}" allows every call of ${tool.name} (${tool.tier}) without a condition. Ask above some amount, or for the first time`,
    },
  ];
}

/**
 * Origins are traced of who gets something, how much and where to, not of what a text says: without a rule, a stranger's
 * words go to whomever the customer has named. Of risky tools it is said that they are ungated, and no more.
 */
function untraced(
  { labels, inputSchema }: LintedTool,
  rules: readonly Rule[],
  strangers: ToolLabels,
): readonly PolicyFinding[] {
  if (labels.touches !== 'external' || isRisky(labels)) return [];
  const traced = labels.sensitive.map(({ field }) => field);
  const texts = freeTexts(inputSchema).filter((path) => !traced.includes(path));
  const about = rules.filter((rule) => isAbout(rule, labels));
  const [first] = texts;
  if (first === undefined || reachedRules(about, ['untrustedSeen']).reached.some(stops)) return [];
  const named = texts.length === 1 ? first : `${first} and ${texts.length - 1} more`;
  return [
    {
      kind: 'untraced_text',
      severity: 'warning',
      rule: null,
      tool: labels.name,
      sentence: `${labels.name} reaches outside with texts that nobody traces (${named}), and ${strangers.name} returns what a stranger may have written. Write a rule with "untrustedSeen" that has somebody read them`,
    },
  ];
}
