import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, Connection, type OperatorService } from '@temporalio/client';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { LIMITS } from './core/limits.ts';

/** Connects to Temporal as the SDK's own environment configuration says (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, …). */
export async function connectClient(
  codecModule: string | null,
  connectMs: number = LIMITS.connectMs,
): Promise<{
  readonly client: Client;
  readonly operatorService: OperatorService;
  close(): Promise<void>;
}> {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await reach(connectionOptions.address, () =>
    Connection.connect({ ...connectionOptions, connectTimeout: connectMs }),
  );
  const client = new Client({
    connection,
    ...(namespace !== undefined && { namespace }),
    dataConverter: await loadDataConverter(codecModule),
  });
  const { operatorService } = connection;
  return { client, operatorService, close: () => connection.close() };
}

/** Tries to connect; a server that is away is named, with what to do. */
export async function reach<Result>(
  address: string | undefined,
  connect: () => Promise<Result>,
): Promise<Result> {
  try {
    return await connect();
  } catch (error) {
    throw new UnreachableError(
      `Temporal at ${address ?? 'localhost:7233'} cannot be reached: set TEMPORAL_ADDRESS, or start one with "npm run dev"`,
      { cause: error },
    );
  }
}

export class UnreachableError extends Error {}

/** The place of payload codecs (encryption): the same in every client and worker, named by HOLDFAST_CODEC. */
export async function loadDataConverter(codecModule: string | null): Promise<DataConverter> {
  if (codecModule === null) return {};
  const loaded: { payloadCodecs?: PayloadCodec[] } = await import(moduleUrl(codecModule));
  if (!Array.isArray(loaded.payloadCodecs))
    throw new TypeError(`${codecModule} does not export payloadCodecs: an array of codecs`);
  return { payloadCodecs: loaded.payloadCodecs };
}

/** A path becomes a URL against the working directory; a package name stays what it is. */
export function moduleUrl(specifier: string): string {
  return /^(\.|\/)/.test(specifier) ? pathToFileURL(resolve(specifier)).href : specifier;
}
