import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { LIMITS } from '../core/limits.ts';
import { isPriced } from '../models/prices.ts';
import { MODEL_TIERS, modelsOf, resolveChains } from '../models/tiers.ts';
import { installedTemporalCli } from '../stack/temporalCli.ts';
import { type Check, failure, type Look, ok, warning } from './doctorChecks.ts';
import type { Environment } from './target.ts';

/** Checks of this machine and its environment: they need neither Temporal nor a database. */
export function placeChecks(environment: Environment): readonly Check[] {
  return [
    {
      name: 'model',
      mend: 'start what answers at HOLDFAST_MODEL_URL, or correct the address',
      look: () => lookAtModel(environment),
    },
    {
      name: 'prices',
      mend: 'set HOLDFAST_MODEL_SMALL, _STANDARD and _DEEP to names of models, or unset them',
      look: async () => lookAtPrices(environment),
    },
    {
      name: 'versions',
      mend: 'install Node and npm as the README says',
      look: () => lookAtVersions(environment),
    },
  ];
}

async function lookAtModel(environment: Environment): Promise<readonly Look[]> {
  const key = environment.ANTHROPIC_API_KEY?.trim() ?? '';
  const url = environment.HOLDFAST_MODEL_URL?.trim() ?? '';
  const keyed = key === '' ? 'no key, so a scripted model answers' : 'the key is set';
  if (url === '' && key === '')
    return [
      warning(
        'neither ANTHROPIC_API_KEY nor HOLDFAST_MODEL_URL is set in this shell',
        'set one of them where workers run; "npm run dev" gives its own worker a scripted model',
      ),
    ];
  if (url === '') return [ok(keyed)];
  if (!URL.canParse(url))
    return [
      failure('HOLDFAST_MODEL_URL is no address', 'set it to one that begins with http:// or https://'),
    ];
  const { host } = new URL(url);
  // Any answer will do: what it says to a bare request is its own affair. No key is sent.
  const response = await fetch(url, {
    signal: AbortSignal.timeout(LIMITS.doctorCheckMs),
    redirect: 'manual',
  }).catch(() => null);
  await response?.body?.cancel();
  return response === null
    ? [
        failure(
          `nothing answers at ${host} (HOLDFAST_MODEL_URL)`,
          'start what should answer there, correct the address, or unset it',
        ),
      ]
    : [ok(`${host} answers; ${keyed}`)];
}

function lookAtPrices(environment: Environment): readonly Look[] {
  const chains = resolveChains(environment);
  const unpriced = modelsOf(chains).filter((model) => !isPriced(model));
  const shown = MODEL_TIERS.map((tier) => `${tier}: ${chains[tier].join(', then ')}`).join('; ');
  if (unpriced.length === 0) return [ok(`known for ${shown}`)];
  const found = `no price is known for ${unpriced.join(', ')}`;
  return environment.HOLDFAST_ALLOW_UNPRICED?.trim() === 'on'
    ? [
        warning(
          `${found}: booked at the dearest price there is`,
          'add it to PRICES in models/prices.ts, and unset HOLDFAST_ALLOW_UNPRICED',
        ),
      ]
    : [
        failure(
          `${found}, and a worker does not start without one`,
          'configure a model that is in models/prices.ts, or set HOLDFAST_ALLOW_UNPRICED=on',
        ),
      ];
}

async function lookAtVersions(environment: Environment): Promise<readonly Look[]> {
  const { engines }: { readonly engines: { readonly node: string } } = JSON.parse(
    await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  const [npm, temporal] = await Promise.all([npmVersion(environment), temporalVersion(environment)]);
  const { node } = process.versions;
  const words = `Node ${node}, npm ${npm ?? 'not found'}, temporal ${temporal ?? 'not installed (only a local stack needs it)'}`;
  if (!satisfies(node, engines.node))
    return [failure(`${words}: Holdfast needs Node ${engines.node}`, `install Node ${engines.node}`)];
  return [npm === null ? warning(words, 'install npm: it comes with Node') : ok(words)];
}

/** `>=20.3`, the one form of range that package.json has. */
function satisfies(version: string, range: string): boolean {
  const [wanted, has] = [range.replace(/^>=/, ''), version].map((text) => text.split('.').map(Number));
  for (const [i, part] of (wanted ?? []).entries()) {
    const own = has?.[i] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

function npmVersion(environment: Environment): Promise<string | null> {
  return firstLine('npm', ['--version'], environment);
}

async function temporalVersion(environment: Environment): Promise<string | null> {
  const program = await installedTemporalCli(environment);
  if (program === null) return null;
  const line = await firstLine(program, ['--version'], environment);
  return line?.replace(/^temporal version /, '') ?? null;
}

async function firstLine(
  program: string,
  words: readonly string[],
  environment: Environment,
): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(program, [...words], {
      timeout: LIMITS.doctorCheckMs,
      env: { PATH: environment.PATH, HOME: environment.HOME },
    });
    return stdout.trim().split('\n', 1)[0] ?? null;
  } catch {
    return null;
  }
}
