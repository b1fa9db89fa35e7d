import { type Command, InvalidArgumentError } from 'commander';
import type { Json, JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { Amount } from '../core/money.ts';
import { type Explanation, explain, type PolicyFacts, type Rule, type RuleAnswer } from '../core/policy.ts';
import { lintPolicy, type PolicyFinding } from '../core/policyLint.ts';
import { ORIGINS, type Origin, type OriginFrom, valuesAt } from '../core/provenance.ts';
import type { Requester } from '../core/requester.ts';
import { policyProblems } from '../core/rules.ts';
import { databaseOf } from '../store/database.ts';
import { hashJson } from '../store/hash.ts';
import type { Agent } from '../tools/agent.ts';
import type { Database } from '../tools/outside.ts';
import type { Tool } from '../tools/tool.ts';
import { configuredAgents, findAgent } from './agents.ts';
import { CommandError, EXIT_CODES } from './failures.ts';
import { amountValue, currencyCode, isoTime, jsonObject, repeated } from './options.ts';
import { explanationText, lintText, whyNot } from './policyText.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';

export interface ExplainFlags {
  readonly amount?: number;
  readonly currency?: string;
  readonly tainted?: boolean;
  readonly privateRead?: boolean;
  readonly suspicious?: boolean;
  readonly origin?: readonly GivenOrigin[];
  readonly requester: string;
  readonly tenant?: string;
  readonly role?: readonly string[];
  readonly at?: number;
  readonly first?: readonly string[];
  readonly learned?: string;
  readonly runRules?: readonly Rule[];
}

/** The value of --origin. */
export interface GivenOrigin {
  readonly field: string;
  readonly from: OriginFrom;
}

/** What a policy would say, without a run. Agents are loaded here as a worker loads them. */
export function addPolicyCommands(program: Command, run: Run): void {
  const policy = program.command('policy').description('ask what the policy of an agent would say');
  policy
    .command('explain')
    .description('say which rule answers a call, and why the rules before it did not')
    .argument('<agent>', 'name of the agent, or its module')
    .argument('<tool>', 'name of the tool')
    .argument('<json>', 'its arguments', jsonObject)
    .option('--amount <number>', 'the amount, in the place of what the tool says', amountValue)
    .option('--currency <code>', 'of --amount (default USD)', currencyCode)
    .option('--tainted', 'the run has read untrusted text')
    .option('--private-read', 'the run has read private data')
    .option('--suspicious', 'a guard found signs of an injection')
    .option(
      '--origin <field=from>',
      `where a sensitive argument came from: ${ORIGINS.join(', ')} (default unknown); may be repeated`,
      givenOrigin,
    )
    .option('--requester <id>', 'for whom the run acts', 'somebody')
    .option('--tenant <id>', 'the tenant of the requester')
    .option('--role <role>', 'a role of the requester; may be repeated', repeated)
    .option('--at <time>', 'the time, such as 2026-03-01T09:30:00Z (default now)', isoTime)
    .option('--first <class>', 'a class that this call is the first of; may be repeated', repeated)
    .option('--learned <id>', 'a learned rule that covers the call')
    .option('--run-rules <json>', 'rules of the run, as a start gives them in `policy`', ruleList)
    .action((agent: string, tool: string, input: JsonObject, flags: ExplainFlags) =>
      run(async (session) => explainCall(session, await findAgent(process.env, agent), tool, input, flags)),
    );
  policy
    .command('lint')
    .description('name rules that can never answer, and effects and texts that no rule gates')
    .argument('[agent]', 'name of the agent, or its module (default: all of HOLDFAST_AGENTS)')
    .action((agent: string | undefined) =>
      run(async (session) =>
        lintAgents(
          session,
          agent === undefined ? await configuredAgents(process.env) : [await findAgent(process.env, agent)],
        ),
      ),
    );
}

/** What `policy explain` answers: plain JSON. */
export interface ShownExplanation {
  readonly agent: string;
  readonly release: string;
  readonly tool: string;
  readonly summary: string;
  readonly rule: string;
  readonly answer: RuleAnswer;
  readonly stages: Explanation['stages'];
  readonly tried: readonly ShownTried[];
  readonly ownTried: readonly ShownTried[];
  readonly facts: PolicyFacts;
  readonly payee: string | null;
  readonly classes: readonly string[];
  /** Facts that could not be had here: judged as a worker judges what it cannot know. */
  readonly unknown: readonly { readonly fact: string; readonly why: string }[];
}

export interface ShownTried {
  readonly rule: string;
  /** Member of the match that did not hold; null for the rule that answered. */
  readonly failed: string | null;
  readonly why: string | null;
}

export async function explainCall(
  session: Session,
  agent: Agent,
  toolName: string,
  input: Json,
  flags: ExplainFlags,
): Promise<undefined> {
  const { release } = agent;
  const tool = toolOf(agent, toolName);
  if (flags.currency !== undefined && flags.amount === undefined)
    throw new CommandError('usage', 'usage', '--currency needs --amount: give both, or leave both out');
  const parsed = tool.parse(input);
  if (parsed.kind === 'bad')
    throw new CommandError(
      'refused',
      'bad_arguments',
      `the arguments do not fit, so no rule is asked and the model is told: ${parsed.problem}`,
    );
  const { tenant = null, role = [], first = [], learned = null } = flags;
  const requester: Requester = { id: flags.requester, tenant, roles: role };
  const looked = await lookUp(session, agent, tool, parsed.input, requester);
  const given =
    flags.amount === undefined ? null : { value: flags.amount, currency: flags.currency ?? 'USD' };
  const facts: PolicyFacts = {
    tool: tool.labels.name,
    category: tool.labels.category,
    tier: tool.labels.tier,
    touches: tool.labels.touches,
    amount: given ?? looked.amount,
    taint: {
      untrustedSeen: flags.tainted ?? false,
      privateRead: flags.privateRead ?? false,
      suspicious: flags.suspicious ?? false,
    },
    origins: originsGiven(tool, parsed.input, flags.origin ?? []),
    requester: { tenant, roles: role },
    firstOf: first,
    learned,
    nowMs: flags.at ?? Date.now(),
  };
  const explanation = explain(release.permissions, release.policy, facts, flags.runRules ?? []);
  const tried = (list: Explanation['tried']): readonly ShownTried[] =>
    list.map(({ rule, failed }) => ({
      rule: rule.name,
      failed,
      why: failed === null ? null : whyNot(failed, rule.match, facts),
    }));
  const shown: ShownExplanation = {
    agent: release.agent,
    release: hashJson(release),
    tool: tool.labels.name,
    summary: summaryOf(tool, parsed.input),
    rule: explanation.verdict.rule,
    answer: explanation.verdict.answer,
    stages: explanation.stages,
    tried: tried(explanation.tried),
    ownTried: tried(explanation.ownTried),
    facts,
    payee: looked.payee,
    classes: looked.classes,
    unknown: looked.unknown.filter(({ fact }) => fact !== 'amount' || given === null),
  };
  session.terminal.show(shown, explanationText);
  return undefined;
}

/** Without a conversation nothing can be traced: what is not said here is unknown, as it would be to a worker. */
function originsGiven(
  { labels }: Tool<unknown>,
  input: JsonObject,
  given: readonly GivenOrigin[],
): readonly Origin[] {
  const strange = given.find((one) => labels.sensitive.every(({ field }) => field !== one.field));
  if (strange !== undefined)
    throw new CommandError(
      'usage',
      'usage',
      `--origin ${strange.field}: ${labels.name} declares ${labels.sensitive.map(({ field }) => field).join(', ') || 'no sensitive argument'}`,
    );
  return labels.sensitive
    .filter(({ field }) => valuesAt(input, field).length > 0)
    .map(({ field, kind }) => {
      const from = given.find((one) => one.field === field)?.from ?? 'unknown';
      return { field, kind, from, tool: null };
    });
}

function toolOf(agent: Agent, name: string): Tool<unknown> {
  const tool = agent.tools.get(name);
  if (tool !== undefined) return tool;
  throw new CommandError(
    'notFound',
    'unknown_tool',
    `agent ${agent.release.agent} has no tool "${name}". Its tools: ${[...agent.tools.keys()].join(', ')}`,
  );
}

function summaryOf(tool: Tool<unknown>, input: JsonObject): string {
  try {
    return tool.summary(input);
  } catch {
    return tool.labels.name.replaceAll('_', ' ');
  }
}

interface Looked {
  readonly amount: Amount | null;
  readonly payee: string | null;
  readonly classes: readonly string[];
  readonly unknown: ShownExplanation['unknown'];
}

/** What the tool says of the call. Without a store, what it can say from the arguments alone. */
async function lookUp(
  session: Session,
  agent: Agent,
  tool: Tool<unknown>,
  input: JsonObject,
  requester: Requester,
): Promise<Looked> {
  const ask = async (database: Database): Promise<Looked> => {
    const unknown: { fact: string; why: string }[] = [];
    const fact = async <Value>(
      name: string,
      get: (services: unknown) => Promise<Value>,
    ): Promise<Value | null> => {
      try {
        return await get(agent.services({ database }, requester));
      } catch (error) {
        unknown.push({ fact: name, why: error instanceof Error ? error.message : String(error) });
        return null;
      }
    };
    const [amount, payee, classes] = [
      await fact('amount', (services) => tool.amount(input, services)),
      await fact('payee', (services) => tool.payee(input, services)),
      await fact('classes', (services) => tool.classes(input, services)),
    ];
    return { amount, payee, classes: classes ?? [], unknown };
  };
  try {
    return await session.store((sql) => ask(databaseOf(sql)));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const away = () => Promise.reject(error);
    return ask({ query: away, transaction: away });
  }
}

/** What `policy lint` answers: plain JSON. */
export interface ShownLint {
  readonly agents: readonly {
    readonly agent: string;
    readonly release: string;
    readonly rules: number;
    readonly findings: readonly PolicyFinding[];
  }[];
}

export function lintAgents(session: Session, agents: readonly Agent[]): number | undefined {
  const shown: ShownLint = {
    agents: agents.map(({ release }) => ({
      agent: release.agent,
      release: hashJson(release),
      rules: release.policy.length,
      findings: lintPolicy(release.policy, release.permissions, release.tools),
    })),
  };
  session.terminal.show(shown, lintText);
  const wrong = shown.agents.some((one) => one.findings.some(({ severity }) => severity === 'problem'));
  return wrong ? EXIT_CODES.usage[0] : undefined;
}

/** Collects the values of --origin. */
function givenOrigin(text: string, before: readonly GivenOrigin[] = []): readonly GivenOrigin[] {
  const [field = '', word = ''] = text.split('=', 2);
  const from = ORIGINS.find((one) => one === word);
  if (field === '' || from === undefined)
    throw new InvalidArgumentError(
      `"${text.slice(0, 80)}" is not FIELD=FROM; FROM is one of ${ORIGINS.join(', ')}.`,
    );
  return [...before, { field, from }];
}

/** The value of --run-rules. */
function ruleList(text: string): readonly Rule[] {
  let rules: unknown;
  try {
    rules = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError(`"${text.slice(0, 80)}" is not JSON.`);
  }
  const [problem] = policyProblems(rules, { rules: LIMITS.ownRules, bytes: LIMITS.ownRulesBytes });
  if (problem !== undefined) throw new InvalidArgumentError(`${problem}.`);
  return rules as readonly Rule[];
}
