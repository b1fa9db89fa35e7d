import { isObject, type JsonObject } from './json.ts';
import { DEFAULT_RUN_LIMITS, LIMITS, type RunLimits } from './limits.ts';
import type { Rule } from './policy.ts';
import type { Requester } from './requester.ts';
import { policyProblems } from './rules.ts';
import { shown, utf8Bytes, wellFormed } from './text.ts';

/** What starts a run. Plain JSON; `limits` only tighten what the release allows. */
export interface StartInput {
  readonly v: 1;
  /** `name` of the agent. */
  readonly agent: string;
  /** Default `live`. */
  readonly channel?: string;
  /** The first message; without it the run waits for one. */
  readonly message?: string;
  readonly requester: { readonly id: string; readonly tenant?: string; readonly roles?: readonly string[] };
  /** End after the first answer. */
  readonly once?: boolean;
  readonly limits?: Partial<RunLimits>;
  /** Rules that tighten the agent's policy for this run: at most 20 and 16 KB; they ask or deny, never allow. */
  readonly policy?: readonly Rule[];
  /** Facts of the application for the model, such as the page the customer is on. At most 8 KB. */
  readonly context?: JsonObject;
}

export interface Start {
  readonly agent: string;
  readonly channel: string;
  readonly message: string | null;
  readonly requester: Requester;
  readonly once: boolean;
  readonly limits: Partial<RunLimits>;
  readonly policy: readonly Rule[];
  readonly context: JsonObject | null;
}

export type ParsedStart =
  | { readonly kind: 'ok'; readonly start: Start }
  | { readonly kind: 'bad'; readonly problems: readonly string[] };

const NAME = /^[a-z][a-z0-9-]{0,39}$/;

/** Checks a start input by hand: zod does not belong into a workflow. Names every problem at once. */
export function parseStart(input: unknown): ParsedStart {
  if (!isObject(input)) return { kind: 'bad', problems: ['the start input is not an object'] };
  const problems: string[] = [];
  const check = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem);
  };
  const {
    v,
    agent,
    channel = 'live',
    message = null,
    requester,
    once = false,
    limits = {},
    policy = [],
    context = null,
  } = input;
  check(v === 1, `v is ${shown(v)}: this worker reads version 1`);
  check(
    typeof agent === 'string' && NAME.test(agent),
    `agent is ${shown(agent)}: the name of an agent, such as "support"`,
  );
  check(
    typeof channel === 'string' && NAME.test(channel),
    `channel is ${shown(channel)}: a name, such as "live"`,
  );
  check(message === null || typeof message === 'string', `message is ${shown(message)}: text`);
  if (typeof message === 'string') problems.push(...messageProblems(message));
  check(typeof once === 'boolean', `once is ${shown(once)}: true or false`);
  const who = isObject(requester) ? requester : {};
  const { id, tenant = null, roles = [] } = who;
  // Deciders are compared with the requester by their cleaned names, so only clean names may start a run.
  const isName = (name: unknown) =>
    typeof name === 'string' && name.length <= LIMITS.personChars && wellFormed(name) === name;
  check(
    isName(id) && id !== '',
    `requester.id is ${shown(id)}: who the run acts for, 1 to ${LIMITS.personChars} well-formed characters`,
  );
  check(
    tenant === null || isName(tenant),
    `requester.tenant is ${shown(tenant)}: at most ${LIMITS.personChars} well-formed characters`,
  );
  check(
    Array.isArray(roles) && roles.length <= LIMITS.rolesPerPerson && roles.every(isName),
    `requester.roles is ${shown(roles)}: at most ${LIMITS.rolesPerPerson} texts of at most ${LIMITS.personChars} well-formed characters`,
  );
  check(isObject(limits), `limits is ${shown(limits)}: an object of limits`);
  for (const [name, value] of Object.entries(isObject(limits) ? limits : {})) {
    check(Object.hasOwn(DEFAULT_RUN_LIMITS, name), `limits.${name} is not a limit`);
    check(
      Number.isInteger(value) && Number(value) > 0,
      `limits.${name} is ${shown(value)}: a whole number above 0`,
    );
  }
  problems.push(...ownRulesProblems(policy));
  check(
    context === null || (isObject(context) && utf8Bytes(JSON.stringify(context)) <= LIMITS.contextBytes),
    `context: an object of at most ${LIMITS.contextBytes} bytes`,
  );
  if (problems.length > 0) return { kind: 'bad', problems };
  return {
    kind: 'ok',
    start: {
      agent: agent as string,
      channel: channel as string,
      message: message === null ? null : wellFormed(message as string),
      requester: { id: id as string, tenant: tenant as string | null, roles: roles as string[] },
      once: once as boolean,
      limits: limits as Partial<RunLimits>,
      policy: policy as readonly Rule[],
      context: context as JsonObject | null,
    },
  };
}

/** What is wrong with the rules of a run. One that allows would do nothing, and its author would believe it does. */
function ownRulesProblems(policy: unknown): readonly string[] {
  const problems = policyProblems(policy, { rules: LIMITS.ownRules, bytes: LIMITS.ownRulesBytes });
  if (problems.length > 0) return problems;
  return (policy as readonly Rule[])
    .filter((rule) => rule.answer.kind === 'allow')
    .map(
      ({ name }) =>
        `rule ${shown(name)}: answer.kind is "allow": rules of a run ask or deny, only the agent's own policy allows`,
    );
}

/** What is wrong with a customer's message; empty when it may go in. */
export function messageProblems(text: string): readonly string[] {
  if (wellFormed(text).trim() === '') return ['the message is empty: say something'];
  const bytes = utf8Bytes(text);
  return bytes > LIMITS.messageBytes
    ? [`the message has ${bytes} bytes, the limit is ${LIMITS.messageBytes}: send a shorter one, or a link`]
    : [];
}
