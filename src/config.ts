import { type DecisionKeys, parseDecisionKeys } from './control/keys.ts';
import { LIMITS } from './core/limits.ts';
import { type ModelChains, resolveChains } from './models/tiers.ts';
import { type Endpoint, readEndpoint } from './notices/endpoint.ts';
import { readSecrets } from './notices/signature.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a worker needs to know. Read once, at start, from the environment alone. */
export interface Config {
  readonly databaseUrl: string;
  readonly taskQueue: string;
  /** Agent modules: names of agents that ship, or paths and packages that export `agent`. */
  readonly agents: readonly string[];
  readonly models: ModelChains;
  readonly anthropic: { readonly apiKey: string; readonly baseUrl: string | null };
  /** True when no API key is set: a scripted model answers. */
  readonly scripted: boolean;
  readonly allowUnpriced: boolean;
  readonly previews: boolean;
  /** A module that exports `payloadCodecs`, for encryption of what Temporal stores. */
  readonly codecModule: string | null;
  /** With keys, decisions and steering count only when they are signed. */
  readonly decisionKeys: DecisionKeys | null;
  readonly notices: NoticeConfig;
  /** This worker creates the schedule of the governor where it is missing. */
  readonly governor: boolean;
}

/** How people hear of what waits for them. */
export interface NoticeConfig {
  readonly log: boolean;
  /** Null: none are sent. */
  readonly webhook: { readonly endpoint: Endpoint; readonly keys: readonly Buffer[] } | null;
}

/** Every environment variable of Holdfast, with its meaning and default. The Temporal SDK reads TEMPORAL_* itself. */
export const VARIABLES = {
  DATABASE_URL: 'PostgreSQL of the store: postgres://user:password@host:port/database',
  HOLDFAST_TASK_QUEUE: 'Temporal task queue (default holdfast)',
  HOLDFAST_AGENTS: 'agent modules of this worker, separated by commas (default support)',
  ANTHROPIC_API_KEY: 'key for the model; without it a scripted model answers at HOLDFAST_MODEL_URL',
  HOLDFAST_MODEL_URL: 'base URL of the Messages API: a gateway, or the scripted model',
  HOLDFAST_MODEL_SMALL: 'models of the tier small, separated by commas, the preferred one first',
  HOLDFAST_MODEL_STANDARD: 'models of the tier standard, in the same way',
  HOLDFAST_MODEL_DEEP: 'models of the tier deep, in the same way',
  HOLDFAST_ALLOW_UNPRICED:
    'on: a model without a price may run, booked at the dearest price known (default off)',
  HOLDFAST_PREVIEWS: 'off: no conversation text in Temporal histories (default on)',
  HOLDFAST_CODEC: 'module that exports payloadCodecs (default none)',
  HOLDFAST_NOTICES:
    'how people hear of what waits for them: log, webhook, both separated by a comma, or off (default log)',
  HOLDFAST_WEBHOOK_URL: 'where webhooks go: an https address',
  HOLDFAST_WEBHOOK_SECRET:
    'signs webhooks: whsec_ and 24 to 64 random bytes in base64; while it is changed, the new and the old one separated by a space',
  HOLDFAST_WEBHOOK_ALLOW:
    'host:port, separated by commas, that webhooks may reach although internal or not https (default none)',
  HOLDFAST_GOVERNOR:
    'off: this worker does not create the schedule that opens and closes breakers, because somebody else has (default on)',
  HOLDFAST_DECISION_KEY:
    'secret of 32 or more characters, the same for workers and the command line: only signed decisions and steering count; several, separated by spaces, while one replaces another (default none)',
} as const;

type Name = keyof typeof VARIABLES;

/** Reads and checks the configuration; throws one error that names every problem and what to do. */
export function readConfig(environment: Environment): Config {
  const problems: string[] = [];
  const text = (name: Name, fallback: string | null): string => {
    const value = environment[name]?.trim() ?? '';
    if (value !== '') return value;
    if (fallback === null) problems.push(`${name} is not set: ${VARIABLES[name]}`);
    return fallback ?? '';
  };
  const onOff = (name: Name, fallback: 'on' | 'off'): boolean => {
    const value = text(name, fallback);
    if (value !== 'on' && value !== 'off') problems.push(`${name} is "${value}": set it to on or off`);
    return value === 'on';
  };
  const databaseUrl = text('DATABASE_URL', null);
  if (databaseUrl !== '' && !/^postgres(ql)?:\/\//.test(databaseUrl))
    problems.push('DATABASE_URL does not begin with postgres://');
  const apiKey = text('ANTHROPIC_API_KEY', '');
  const baseUrl = text('HOLDFAST_MODEL_URL', '');
  if (apiKey === '' && baseUrl === '')
    problems.push(
      'neither ANTHROPIC_API_KEY nor HOLDFAST_MODEL_URL is set: set the key, or run "npm run dev" for a scripted model',
    );
  if (baseUrl !== '' && !/^https?:\/\//.test(baseUrl))
    problems.push('HOLDFAST_MODEL_URL does not begin with http:// or https://');
  const taskQueue = text('HOLDFAST_TASK_QUEUE', 'holdfast');
  if (taskQueue.length > LIMITS.personChars) problems.push('HOLDFAST_TASK_QUEUE is too long');
  const agents = agentModules(environment);
  if (agents.length === 0)
    problems.push('HOLDFAST_AGENTS names no agent: name at least one, such as support');
  const config: Config = {
    databaseUrl,
    taskQueue,
    agents,
    models: readModels(environment, problems),
    anthropic: { apiKey: apiKey === '' ? 'scripted' : apiKey, baseUrl: baseUrl === '' ? null : baseUrl },
    scripted: apiKey === '',
    allowUnpriced: onOff('HOLDFAST_ALLOW_UNPRICED', 'off'),
    previews: onOff('HOLDFAST_PREVIEWS', 'on'),
    codecModule: text('HOLDFAST_CODEC', '') || null,
    notices: readNotices(text, problems),
    governor: onOff('HOLDFAST_GOVERNOR', 'on'),
    decisionKeys: readDecisionKeys(text('HOLDFAST_DECISION_KEY', ''), problems),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function readNotices(
  text: (name: Name, fallback: string | null) => string,
  problems: string[],
): NoticeConfig {
  const words = text('HOLDFAST_NOTICES', 'log')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  const wrong = words.find((word) => word !== 'log' && word !== 'webhook' && word !== 'off');
  if (wrong !== undefined) problems.push(`HOLDFAST_NOTICES names "${wrong}": it knows log, webhook and off`);
  if (words.length > 1 && words.includes('off'))
    problems.push('HOLDFAST_NOTICES names off and something else: say one or the other');
  const log = words.includes('log');
  if (!words.includes('webhook')) return { log, webhook: null };
  const url = text('HOLDFAST_WEBHOOK_URL', null);
  const secret = text('HOLDFAST_WEBHOOK_SECRET', null);
  if (url === '' || secret === '') return { log, webhook: null };
  const endpoint = readEndpoint(url, text('HOLDFAST_WEBHOOK_ALLOW', ''));
  const keys = readSecrets(secret);
  if (typeof endpoint === 'string') problems.push(`HOLDFAST_WEBHOOK_URL ${endpoint}`);
  if (typeof keys === 'string') problems.push(`HOLDFAST_WEBHOOK_SECRET ${keys}`);
  if (typeof endpoint === 'string' || typeof keys === 'string') return { log, webhook: null };
  return { log, webhook: { endpoint, keys } };
}

/** What HOLDFAST_AGENTS names: modules, separated by commas. */
export function agentModules(environment: Environment): readonly string[] {
  return (environment.HOLDFAST_AGENTS?.trim() || 'support')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function readDecisionKeys(value: string, problems: string[]): DecisionKeys | null {
  if (value === '') return null;
  const parsed = parseDecisionKeys(value);
  if (parsed.kind === 'ok') return parsed.keys;
  problems.push(`HOLDFAST_DECISION_KEY: ${parsed.problem}`);
  return null;
}

function readModels(environment: Environment, problems: string[]): Config['models'] {
  try {
    return resolveChains(environment);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return { small: [], standard: [], deep: [] };
  }
}

export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`the configuration is not complete:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}
