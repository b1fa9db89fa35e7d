import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The parts of a compose file that the checks below read; the schema check covers the shapes. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
  readonly networks?: Readonly<Record<string, unknown>>;
}

export interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly restart?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly healthcheck?: unknown;
  readonly stop_grace_period?: string;
}

export interface WorkerRules {
  readonly root: string;
  /** Every variable the worker knows. */
  readonly knownVariables: readonly string[];
  readonly neededVariables: readonly string[];
  readonly drainMs: number;
}

/** Everything a compose file can get wrong although it fits the schema; an empty list is good. */
export function findComposeProblems(file: ComposeFile, rules: WorkerRules): string[] {
  return [
    ...Object.entries(file.services).flatMap(([name, service]) => [
      ...checkDependencies(name, service, file),
      ...checkMounts(name, service, file, rules.root),
      ...checkAddresses(name, service, file),
      ...checkImage(name, service, rules.root),
    ]),
    ...checkUnused(file),
    ...checkWorker(file, rules),
  ];
}

function checkDependencies(name: string, service: ComposeService, file: ComposeFile): string[] {
  return Object.entries(service.depends_on ?? {}).flatMap(([dependency, { condition }]) => {
    const target = file.services[dependency];
    if (target === undefined) return [`${name} depends on ${dependency}, which does not exist`];
    if (condition === 'service_healthy' && target.healthcheck === undefined) {
      return [`${name} waits until ${dependency} is healthy, which has no health check`];
    }
    if (condition === 'service_completed_successfully' && !target.restart?.startsWith('on-failure')) {
      return [`${name} waits for the end of ${dependency}, which is restarted whenever it ends`];
    }
    return [];
  });
}

function checkMounts(name: string, service: ComposeService, file: ComposeFile, root: string): string[] {
  return (service.volumes ?? []).flatMap((volume) => {
    const [source = ''] = volume.split(':');
    if (!source.startsWith('.')) {
      return source in (file.volumes ?? {})
        ? []
        : [`${name} mounts the volume ${source}, which is not declared`];
    }
    const problems = volume.endsWith(':ro') ? [] : [`${name} may write to ${source}`];
    return existsSync(join(root, source))
      ? problems
      : [...problems, `${name} mounts ${source}, which does not exist`];
  });
}

const addressVariables = ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'POSTGRES_SEEDS', 'SQL_HOST'];

function checkAddresses(name: string, service: ComposeService, file: ComposeFile): string[] {
  const problems: string[] = [];
  for (const variable of addressVariables) {
    const value = service.environment?.[variable];
    if (value === undefined) continue;
    const host = /^(?:\w+:\/\/.*@)?([\w-]+)(?::\d+)?(?:\/\w+)?$/.exec(value)?.[1] ?? value;
    if (!(host in file.services))
      problems.push(`${name} reaches for ${host} (${variable}), which is no service`);
    else if (!(host in (service.depends_on ?? {})) && !reachesThroughOthers(service, host, file)) {
      problems.push(`${name} uses ${host} without waiting for it`);
    }
  }
  for (const port of service.ports ?? []) {
    if (!port.startsWith('127.0.0.1:')) problems.push(`${name} publishes ${port} beyond loopback`);
  }
  for (const [variable, value] of Object.entries(service.environment ?? {})) {
    for (const [reference] of value.matchAll(/\$\{\w+[^}]*\}/g)) {
      if (!reference.includes(':-'))
        problems.push(`${name}: ${variable} has ${reference}, which has no default`);
    }
  }
  return problems;
}

function reachesThroughOthers(service: ComposeService, host: string, file: ComposeFile): boolean {
  return Object.keys(service.depends_on ?? {}).some(
    (next) => host in (file.services[next]?.depends_on ?? {}),
  );
}

function checkImage(name: string, service: ComposeService, root: string): string[] {
  if (service.build !== undefined) {
    const dockerfile = join(root, service.build.context, service.build.dockerfile);
    return existsSync(dockerfile) ? [] : [`${name} is built from ${dockerfile}, which does not exist`];
  }
  return /:(?!latest)(\d|\$\{\w+:-\d)/.test(service.image ?? '') ? [] : [`${name} has no pinned image`];
}

function checkUnused(file: ComposeFile): string[] {
  const services = Object.values(file.services);
  const volumes = services.flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0]));
  const networks = services.flatMap(({ networks = [] }) => networks);
  const unknown = networks.filter((name) => !(name in (file.networks ?? {})));
  return [
    ...Object.keys(file.volumes ?? {})
      .filter((name) => !volumes.includes(name))
      .map((name) => `the volume ${name} is not used`),
    ...unknown.map((name) => `the network ${name} is not declared`),
  ];
}

function checkWorker(file: ComposeFile, rules: WorkerRules): string[] {
  const { environment = {}, stop_grace_period: grace = '10s' } = file.services.worker ?? {};
  const graceMs = Number(/^(\d+)s$/.exec(grace)?.[1] ?? 0) * 1_000;
  return [
    ...Object.keys(environment)
      .filter((name) => !rules.knownVariables.includes(name))
      .map((name) => `worker gets ${name}, which it does not read`),
    ...rules.neededVariables
      .filter((name) => !(name in environment))
      .map((name) => `worker does not get ${name}, which it needs`),
    ...(graceMs > rules.drainMs ? [] : [`worker is killed after ${grace}, before it has drained`]),
  ];
}
