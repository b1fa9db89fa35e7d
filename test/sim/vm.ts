/**
 * The one file that knows the inside of `@temporalio/worker` 1.24.0: it bundles workflows and feeds activations to the
 * same reusable VM a worker uses. The package has no `exports` map, so these paths hold for the pinned version only.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { convertDeploymentVersion, TypedSearchAttributes } from '@temporalio/common';
import type { coresdk, temporal } from '@temporalio/proto';
import proto from '@temporalio/proto';
import { WorkflowCodeBundler } from '@temporalio/worker/lib/workflow/bundler.js';
import {
  ReusableVMWorkflow,
  ReusableVMWorkflowCreator,
} from '@temporalio/worker/lib/workflow/reusable-vm.js';
import { globalHandlers } from '@temporalio/worker/lib/workflow/vm-shared.js';
import { hashSources, hashText, PROJECT_ROOT, readIfPresent } from './sources.ts';

export type Activation = coresdk.workflow_activation.IWorkflowActivation;
export type Job = coresdk.workflow_activation.IWorkflowActivationJob;
export type WireCommand = coresdk.workflow_commands.IWorkflowCommand;
export type Failure = temporal.api.failure.v1.IFailure;
export type Payload = temporal.api.common.v1.IPayload;

type BundlerOptions = ConstructorParameters<typeof WorkflowCodeBundler>[0];
type BundlerLogger = NonNullable<BundlerOptions['logger']>;
type CreateOptions = Parameters<ReusableVMWorkflowCreator['createWorkflow']>[0];

/** A compiled set of workflows and the V8 context they run in. Runs of one bundle share the context, as in a worker. */
export interface Bundle {
  readonly workflowsPath: string;
  /** The name the bundle's code carries in stack traces. */
  readonly filename: string;
  readonly code: string;
  readonly creator: ReusableVMWorkflowCreator;
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
}

/** What the workflow answered to one activation. */
export type Completion =
  | {
      readonly kind: 'completed';
      readonly commands: readonly WireCommand[];
      readonly usedFlags: readonly number[];
    }
  | { readonly kind: 'taskFailed'; readonly failure: Failure };

/** Changed with what the bundler is told: bundles of another kind are in the cache. */
const BUNDLED_BY = 'worker 1.24.0, own modules loaded once a worker';
const CACHE_DIRECTORY = join(PROJECT_ROOT, 'node_modules/.cache/workflow-bundles');
/** The limit a worker has too; the worker's is not a setting. */
const ACTIVATION_TIMEOUT_MS = 5_000;

const bundles = new Map<string, Promise<Bundle>>();

/** Bundles the workflows exported by a file. Cached in memory and on disk, by the content of every file it imports. */
export function bundleWorkflows(workflowsPath: string): Promise<Bundle> {
  const path = resolve(workflowsPath);
  const known = bundles.get(path);
  if (known !== undefined) return known;
  const fresh = loadBundle(path);
  bundles.set(path, fresh);
  // A bundle that failed must not be the answer for ever.
  fresh.catch(() => bundles.delete(path));
  return fresh;
}

/** The same workflows with a planted fault: `from` must stand in the compiled code exactly once. */
export async function plantFault(
  { workflowsPath, code }: Bundle,
  { from, to }: { readonly from: RegExp; readonly to: string },
): Promise<Bundle> {
  const places = [...code.matchAll(new RegExp(from, 'g'))].length;
  if (places !== 1) throw new Error(`A fault needs one place; the bundle has ${places} with: ${from}`);
  return makeBundle(workflowsPath, code.replace(from, to), ACTIVATION_TIMEOUT_MS);
}

/**
 * The same workflows without the limit on an activation's time: the thread that keeps it costs half of an activation.
 * For masses of runs whose kinds have been seen to end; a loop without end would hang the test.
 */
export async function unguarded({ workflowsPath, code }: Bundle): Promise<Bundle> {
  return makeBundle(workflowsPath, code, undefined);
}

async function loadBundle(workflowsPath: string): Promise<Bundle> {
  return makeBundle(workflowsPath, await readCode(workflowsPath), ACTIVATION_TIMEOUT_MS);
}

async function readCode(workflowsPath: string): Promise<string> {
  const hash = await hashSources(workflowsPath, BUNDLED_BY);
  const family = hashText(workflowsPath).slice(0, 8);
  const cachePath = join(CACHE_DIRECTORY, `${family}-${hash}.js`);
  return (await readIfPresent(cachePath)) ?? (await buildAndStore(workflowsPath, cachePath));
}

async function makeBundle(
  workflowsPath: string,
  code: string,
  timeoutMs: number | undefined,
): Promise<Bundle> {
  const { sourceMap, filename } = readSourceMap(code);
  // Following every promise costs a third of an activation and serves only `__stack_trace`, which no test reads.
  globalHandlers.installed = true;
  const creator = await ReusableVMWorkflowCreator.create(
    { code, sourceMap, filename },
    // Node takes undefined for no limit; the SDK's type does not know of it.
    timeoutMs as number,
    // Local activities are looked up by name; those of a simulation are known by their handlers only.
    new Set(['default']),
  );
  return { workflowsPath, filename, code, creator };
}

async function buildAndStore(workflowsPath: string, cachePath: string): Promise<string> {
  const problems: string[] = [];
  const quiet = (): void => undefined;
  const keep = (message: string): void => {
    problems.push(message);
  };
  const logger: BundlerLogger = {
    log: quiet,
    trace: quiet,
    debug: quiet,
    info: quiet,
    warn: keep,
    error: keep,
  };
  const bundler = new WorkflowCodeBundler({ workflowsPath, logger, preloadModules: [workflowsPath] });
  const { code } = await bundler.createBundle().catch((error: unknown) => {
    const report = [...problems.map(shortenReport), error instanceof Error ? error.message : String(error)];
    throw new Error(`The workflows in ${workflowsPath} could not be bundled.\n${report.join('\n')}`, {
      cause: error,
    });
  });
  await mkdir(CACHE_DIRECTORY, { recursive: true });
  // Two test files may build the same bundle at once; a rename shows each reader a whole file.
  const temporary = `${cachePath}.${process.pid}`;
  await writeFile(temporary, code);
  await rename(temporary, cachePath);
  await dropOldBundles(cachePath);
  return code;
}

/** Webpack reports everything it built; a reader needs what failed and who imported it. */
function shortenReport(report: string): string {
  const start = report.indexOf('ERROR in');
  const lines = (start < 0 ? report : report.slice(start)).split('\n');
  return lines.filter((line) => !line.trimStart().startsWith('at ')).join('\n');
}

/** Each change of the workflows makes another bundle of two megabytes; only the newest is worth keeping. */
async function dropOldBundles(cachePath: string): Promise<void> {
  const family = basename(cachePath).slice(0, 9);
  for (const name of await readdir(CACHE_DIRECTORY)) {
    if (!name.startsWith(family) || name === basename(cachePath) || !name.endsWith('.js')) continue;
    await rm(join(CACHE_DIRECTORY, name), { force: true });
  }
}

function readSourceMap(code: string) {
  const marker = '//# sourceMappingURL=data:application/json;charset=utf-8;base64,';
  const start = code.lastIndexOf(marker);
  if (start < 0)
    throw new Error('The workflow bundle carries no inline source map; was it built by another version?');
  const text = Buffer.from(code.slice(start + marker.length).trim(), 'base64').toString('utf8');
  const sourceMap: Parameters<typeof ReusableVMWorkflowCreator.create>[0]['sourceMap'] = JSON.parse(text);
  return { sourceMap, filename: resolve(PROJECT_ROOT, String(sourceMap.file)) };
}

/** Says where in the sources a stack trace of the bundle points; lines it does not know stay as they are. */
export function mapStackTrace(bundle: Bundle, stackTrace: string): string {
  const map = globalHandlers.bundleFilenameToSourceMapConsumer.get(bundle.filename);
  if (map === undefined) return stackTrace;
  return stackTrace
    .split(bundle.filename)
    .map((part, index) => {
      const position = index === 0 ? null : /^:(\d+):(\d+)/.exec(part);
      if (position === null) return index === 0 ? part : bundle.filename + part;
      const found = map.originalPositionFor({ line: Number(position[1]), column: Number(position[2]) });
      return `${found.source}:${found.line}:${found.column}${part.slice(position[0].length)}`;
    })
    .join('');
}

/** Builds an activation from plain numbers and objects; protobuf turns 64-bit fields into the class the SDK expects. */
export function makeActivation(plain: {
  readonly runId: string;
  readonly [field: string]: unknown;
}): Activation {
  return proto.coresdk.workflow_activation.WorkflowActivation.fromObject(plain);
}

export function makeJob(plain: { readonly [variant: string]: unknown }): Job {
  return proto.coresdk.workflow_activation.WorkflowActivationJob.fromObject(plain);
}

export function makeFailure(plain: { readonly [field: string]: unknown }): Failure {
  return proto.temporal.api.failure.v1.Failure.fromObject(plain);
}

/** One workflow in memory: what a worker holds in its cache, and what a crash loses. */
export class WorkflowInstance {
  readonly #logs: LogLine[] = [];
  readonly #workflow: ReusableVMWorkflow;

  private constructor(workflow: ReusableVMWorkflow) {
    this.#workflow = workflow;
  }

  /** Creates the instance from its first activation, exactly as a worker does when the run is not in its cache. */
  static async create(bundle: Bundle, first: Activation): Promise<WorkflowInstance> {
    const workflow = await bundle.creator.createWorkflow(createOptions(first));
    if (workflow instanceof ReusableVMWorkflow) return new WorkflowInstance(workflow);
    throw new Error(
      'The workflow creator gave another kind of workflow; is @temporalio/worker still the pinned version?',
    );
  }

  async activate(activation: Activation): Promise<Completion> {
    const completion = await this.#workflow.activate(activation);
    for (const call of await this.#workflow.getAndResetSinkCalls()) {
      if (call.ifaceName === '__temporal_logger') {
        this.#logs.push({ level: call.fnName, message: String(call.args[0]) });
      }
    }
    if (completion.failed != null) return { kind: 'taskFailed', failure: completion.failed.failure ?? {} };
    return {
      kind: 'completed',
      commands: completion.successful?.commands ?? [],
      usedFlags: completion.successful?.usedInternalFlags ?? [],
    };
  }

  takeLogs(): readonly LogLine[] {
    return this.#logs.splice(0);
  }

  /** Puts this instance back into the table by run id, which a replica of the same run has taken over and left. */
  reclaimRunId(): void {
    ReusableVMWorkflowCreator.workflowByRunId.set(this.#workflow.runId, this.#workflow);
  }

  async dispose(): Promise<void> {
    await this.#workflow.dispose();
  }
}

/** The worker derives the same fields from the first activation; see `createWorkflow` in its `worker.ts`. */
function createOptions(first: Activation): CreateOptions {
  const init = first.jobs?.[0]?.initializeWorkflow;
  if (init?.randomnessSeed == null || first.runId == null) {
    throw new Error(
      'The first activation of a run must begin with an initializeWorkflow job that carries a seed.',
    );
  }
  const now = timestampMs(first.timestamp);
  return {
    info: {
      workflowId: init.workflowId ?? '',
      runId: first.runId,
      workflowType: init.workflowType ?? '',
      searchAttributes: {},
      typedSearchAttributes: new TypedSearchAttributes(),
      taskQueue: 'simulation',
      namespace: 'default',
      firstExecutionRunId: init.firstExecutionRunId ?? first.runId,
      originalExecutionRunId: first.runId,
      ...(init.continuedFromExecutionRunId
        ? { continuedFromExecutionRunId: init.continuedFromExecutionRunId }
        : {}),
      startTime: new Date(timestampMs(init.startTime)),
      runStartTime: new Date(now),
      taskTimeoutMs: 10_000,
      attempt: init.attempt ?? 1,
      historyLength: first.historyLength ?? 0,
      historySize: first.historySizeBytes?.toNumber() ?? 0,
      continueAsNewSuggested: first.continueAsNewSuggested ?? false,
      targetWorkerDeploymentVersionChanged: false,
      currentBuildId: '',
      currentDeploymentVersion: convertDeploymentVersion(undefined),
      unsafe: {
        now: () => Date.now(),
        isReplaying: first.isReplaying ?? false,
        isReplayingHistoryEvents: first.isReplaying ?? false,
        // The runtime puts its own source here before any workflow code runs.
        random: { random: () => Math.random(), uuid4: () => '' },
      },
    },
    randomnessSeed: init.randomnessSeed.toBytes(),
    now,
    showStackTraceSources: false,
  } as CreateOptions;
}

function timestampMs(
  timestamp: { seconds?: { toNumber(): number } | null; nanos?: number | null } | null | undefined,
) {
  return (timestamp?.seconds?.toNumber() ?? 0) * 1_000 + Math.floor((timestamp?.nanos ?? 0) / 1_000_000);
}
