import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { SensitiveField } from '../core/provenance.ts';
import type { ToolLabels } from '../core/release.ts';
import { endsOf } from '../core/schemaPaths.ts';

interface ToolText {
  readonly description: string;
  readonly whenToUse: string;
  readonly whenNotToUse: string;
  readonly check?: unknown;
}

/** Words that make one tool out of many: a model that picks an action by argument escapes labels and policy. */
const ROUTER_NAMES =
  /^(do|run|execute|perform|call|handle|process|manage|dispatch|invoke)(_(action|command|tool|task|operation|request|anything|it))?$/;

/** Throws with every problem of a tool's definition at once, each naming the tool, the value and the rule. */
export function lintTool(text: ToolText, labels: ToolLabels, inputSchema: JsonObject): void {
  const problems: string[] = [];
  if (!/^[a-z][a-z0-9_]{1,63}$/.test(labels.name))
    problems.push(`name "${labels.name}": use snake_case, 2 to 64 letters, digits and _`);
  if (ROUTER_NAMES.test(labels.name))
    problems.push(
      `name "${labels.name}" is a router: give each action a tool of its own, with its own labels`,
    );
  if (!/^[A-Z][a-z]+/.test(text.description) || text.description.length < 20)
    problems.push('description: start with a verb that says what the tool does, at least 20 characters');
  if (text.description.length > 1_000) problems.push('description: at most 1,000 characters');
  if (text.whenToUse.trim().length < 10)
    problems.push('whenToUse: say when to use it, at least 10 characters');
  if (text.whenNotToUse.trim().length < 10)
    problems.push('whenNotToUse: say when not to use it, at least 10 characters');
  problems.push(...labelProblems(labels, text.check !== undefined));
  problems.push(...sensitiveProblems(labels.sensitive, inputSchema));
  if (problems.length > 0) throw new Error(`tool ${labels.name}: ${problems.join('; ')}`);
}

function labelProblems(labels: ToolLabels, hasCheck: boolean): string[] {
  const problems: string[] = [];
  if (labels.tier === 'read' && labels.touches !== 'none')
    problems.push(`tier "read" with touches "${labels.touches}": a read changes nothing`);
  if (labels.replay === 'pure' && labels.tier !== 'read')
    problems.push(`replay "pure" with tier "${labels.tier}": only reads are pure`);
  if (labels.replay === 'checkable' && (!hasCheck || labels.settlesWithinMs === null))
    problems.push('replay "checkable" needs `check` and `settlesWithinMs`');
  if (
    labels.settlesWithinMs !== null &&
    !(Number.isInteger(labels.settlesWithinMs) && labels.settlesWithinMs >= 0)
  )
    problems.push(`settlesWithinMs ${labels.settlesWithinMs}: a whole number of milliseconds, 0 or more`);
  if (labels.replay !== 'checkable' && hasCheck) problems.push('`check` is for replay "checkable" only');
  if (!(labels.timeoutMs >= 100 && labels.timeoutMs <= LIMITS.toolTimeoutMaxMs))
    problems.push(`timeoutMs ${labels.timeoutMs}: 100 to ${LIMITS.toolTimeoutMaxMs}`);
  if (labels.quick && (labels.replay !== 'pure' || labels.timeoutMs > LIMITS.quickReadMs))
    problems.push(`quick: only for replay "pure" with timeoutMs up to ${LIMITS.quickReadMs}`);
  if (!(Number.isInteger(labels.retries) && labels.retries >= 0 && labels.retries <= LIMITS.toolRetriesMax))
    problems.push(`retries ${labels.retries}: 0 to ${LIMITS.toolRetriesMax}`);
  for (const [name, most] of Object.entries(labels.rate ?? {}))
    if (!(Number.isInteger(most) && most >= 0 && most <= LIMITS.rateMax))
      problems.push(`rate.${name} ${most}: a whole number, 0 to ${LIMITS.rateMax}`);
  return problems;
}

/** A path that leads nowhere would be a protection that is not there. */
function sensitiveProblems(sensitive: readonly SensitiveField[], schema: JsonObject): string[] {
  const paths = sensitive.map(({ field }) => field);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  return [
    ...(paths.length > LIMITS.sensitiveFields
      ? [`sensitive has ${paths.length} paths, the limit is ${LIMITS.sensitiveFields}`]
      : []),
    ...(twice === undefined ? [] : [`sensitive names "${twice}" twice: say of what one kind it is`]),
    ...sensitive.flatMap(({ field, kind }) => {
      if (field.length > LIMITS.sensitiveFieldChars)
        return [
          `sensitive.${kind}: "${field.slice(0, 20)}…" has more than ${LIMITS.sensitiveFieldChars} characters`,
        ];
      const ends = endsOf(schema, field);
      if (ends.length === 0)
        return [
          `sensitive.${kind}: the input has no "${field}": write a path such as "to", "items[].id" or "tags[]"`,
        ];
      return ends.every((type) => LEAVES.includes(type))
        ? []
        : [`sensitive.${kind}: "${field}" leads to ${ends.join(' or ')}: go on to a text or a number in it`];
    }),
  ];
}

const LEAVES = ['string', 'number', 'integer', 'null'];
