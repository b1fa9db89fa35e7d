import { z } from 'zod';
import type { CallKey } from '../core/ids.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { Amount } from '../core/money.ts';
import type { Tier } from '../core/policy.ts';
import { SENSITIVE_KINDS, type SensitiveKind } from '../core/provenance.ts';
import type { ToolRate } from '../core/rates.ts';
import type { Replay, ToolLabels } from '../core/release.ts';
import type { Requester } from '../core/requester.ts';
import { lintTool } from './lint.ts';
import type { CheckResult, ToolResult } from './result.ts';
import { strictSchema } from './schema.ts';

/** What a running tool is given. */
export interface ToolContext<Services> {
  readonly requester: Requester;
  readonly key: CallKey;
  /** The same for every attempt of this call: hand it to any service that deduplicates. */
  readonly idempotencyKey: string;
  readonly services: Services;
  /** Fires before the attempt's lease ends and on cancellation: pass it on, and do not act after it. */
  readonly signal: AbortSignal;
  readonly heartbeat: (detail?: Json) => void;
  /** Wall clock, injected. */
  readonly now: () => Date;
  readonly log: (message: string, facts?: JsonObject) => void;
}

export interface ToolOptions<Input extends z.ZodObject, Services> {
  /** `snake_case`, a verb first: `return_order_items`. */
  readonly name: string;
  /** Implementation version; raise it when the meaning of the code changes. Default `1`. */
  readonly version?: string;
  /** One or two sentences that start with what the tool does. */
  readonly description: string;
  readonly whenToUse: string;
  readonly whenNotToUse: string;
  /** A word of your domain, for policies: `orders`, `profile`. */
  readonly category: string;
  /** Default `destructive`. */
  readonly tier?: Tier;
  readonly reads: 'public' | 'private';
  readonly returns: 'trusted' | 'untrusted';
  readonly touches: 'none' | 'state' | 'external';
  /** What a repeat would do. Default `never`. */
  readonly replay?: Replay;
  readonly settlesWithinMs?: number;
  /**
   * Arguments that an attacker would want to choose, as dotted paths into the input, `items[].id` in lists. Where their
   * values came from is traced, shown to whoever decides, and asked about when only untrusted text has them.
   */
  readonly sensitive?: Readonly<Partial<Record<SensitiveKind, readonly string[]>>>;
  /** A successful call hands the conversation over to people. */
  readonly handsOver?: boolean;
  /** Default 10 s; of a quick one 1 s. */
  readonly timeoutMs?: number;
  /**
   * `pure` tools that answer within milliseconds from something near, such as the own database: the call runs inside the
   * workflow's task, which spares the engine half of a step. The timeline then shows a marker in the place of an activity.
   */
  readonly quick?: boolean;
  /** Further attempts after a retryable failure. Default 2, backoff up to 8 s. */
  readonly retries?: number;
  /** How often it may be called; a call beyond it is refused, and the model is told when a retry helps. */
  readonly rate?: ToolRate;
  readonly input: Input;
  readonly run: (input: z.output<Input>, context: ToolContext<Services>) => Promise<ToolResult> | ToolResult;
  /** `checkable` tools: did an earlier attempt act? */
  readonly check?: (input: z.output<Input>, context: ToolContext<Services>) => Promise<CheckResult>;

  // Read-only functions that prepare facts for the policy and the approver. They never change anything.
  /** Money that moves or is promised; null when it cannot be known. */
  readonly amount?: (input: z.output<Input>, services: Services) => Promise<Amount | null> | Amount | null;
  readonly payee?: (input: z.output<Input>, services: Services) => Promise<string | null> | string | null;
  /** First-time classes of this call, such as `refund-to:card_1`. */
  readonly classes?: (
    input: z.output<Input>,
    services: Services,
  ) => Promise<readonly string[]> | readonly string[];
  /** One line for people, from the arguments alone: `return 2 items of order #W1 to gift card`. */
  readonly summary?: (input: z.output<Input>) => string;
  /**
   * What was true when the call was judged, and perhaps approved (price, balance, version); the claim compares it again. Two
   * seconds each time, like the functions above: what comes later is not known.
   */
  readonly terms?: (input: z.output<Input>, services: Services) => Promise<JsonObject> | JsonObject;
}

/** A tool with its types folded away: arguments come in as JSON and are parsed here. */
export interface Tool<Services> {
  readonly labels: ToolLabels;
  /** As the model reads it. */
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly parse: (
    input: Json,
  ) =>
    | { readonly kind: 'ok'; readonly input: JsonObject }
    | { readonly kind: 'bad'; readonly problem: string };
  readonly run: (input: JsonObject, context: ToolContext<Services>) => Promise<ToolResult>;
  readonly check: ((input: JsonObject, context: ToolContext<Services>) => Promise<CheckResult>) | null;
  readonly amount: (input: JsonObject, services: Services) => Promise<Amount | null>;
  readonly payee: (input: JsonObject, services: Services) => Promise<string | null>;
  readonly classes: (input: JsonObject, services: Services) => Promise<readonly string[]>;
  readonly summary: (input: JsonObject) => string;
  readonly terms: (input: JsonObject, services: Services) => Promise<JsonObject | null>;
}

/**
 * Defines a tool. Throws at definition time, naming the tool and the rule, when the description lint, the labels
 * or the schema are wrong.
 *
 * @example
 * const findOrder = defineTool<typeof input, Shop>({
 *   name: 'find_order',
 *   description: 'Looks up one order by its number.',
 *   whenToUse: 'The customer names an order.',
 *   whenNotToUse: 'You already have the order in this conversation.',
 *   category: 'orders', tier: 'read', reads: 'private', returns: 'trusted', touches: 'none', replay: 'pure',
 *   input: z.object({ order_id: z.string() }),
 *   run: async ({ order_id }, { services }) => success(await services.order(order_id)),
 * });
 */
export function defineTool<Input extends z.ZodObject, Services>(
  options: ToolOptions<Input, Services>,
): Tool<Services> {
  const labels = labelsOf(options);
  const inputSchema = strictSchema(options.name, options.input);
  lintTool(options, labels, inputSchema);
  // Arguments were parsed when the call was prepared and are stored in canonical form; parsing them again here
  // restores the types (and refuses bytes that are no longer what the schema accepts).
  const typed = (input: JsonObject): z.output<Input> => options.input.parse(input);
  const strict = options.input.strict();
  return {
    labels,
    description: `${options.description}\nUse it when: ${options.whenToUse}\nDo not use it when: ${options.whenNotToUse}`,
    inputSchema,
    parse: (input) => {
      const parsed = strict.safeParse(input);
      if (parsed.success) return { kind: 'ok', input: z.json().parse(parsed.data) as JsonObject };
      return { kind: 'bad', problem: z.prettifyError(parsed.error) };
    },
    run: async (input, context) => options.run(typed(input), context),
    check: options.check
      ? async (input, context) => options.check?.(typed(input), context) as Promise<CheckResult>
      : null,
    amount: async (input, services) => (await options.amount?.(typed(input), services)) ?? null,
    payee: async (input, services) => (await options.payee?.(typed(input), services)) ?? null,
    classes: async (input, services) => (await options.classes?.(typed(input), services)) ?? [],
    summary: (input) => options.summary?.(typed(input)) ?? options.name.replaceAll('_', ' '),
    terms: async (input, services) => (await options.terms?.(typed(input), services)) ?? null,
  };
}

function labelsOf<Input extends z.ZodObject, Services>(options: ToolOptions<Input, Services>): ToolLabels {
  return {
    name: options.name,
    version: options.version ?? '1',
    category: options.category,
    tier: options.tier ?? 'destructive',
    reads: options.reads,
    returns: options.returns,
    touches: options.touches,
    replay: options.replay ?? 'never',
    sensitive: SENSITIVE_KINDS.flatMap((kind) =>
      (options.sensitive?.[kind] ?? []).map((field) => ({ field, kind })),
    ),
    handsOver: options.handsOver ?? false,
    timeoutMs: options.timeoutMs ?? (options.quick ? LIMITS.quickReadMs : LIMITS.toolTimeoutMs),
    retries: options.retries ?? LIMITS.toolRetries,
    settlesWithinMs: options.settlesWithinMs ?? null,
    ...(options.quick && { quick: true }),
    ...(options.rate && { rate: options.rate }),
  };
}
