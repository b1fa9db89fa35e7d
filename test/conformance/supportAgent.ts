import { inject } from 'vitest';
import { agent } from '../../src/agents/support/index.ts';
import { callKey, runIdFromUuid } from '../../src/core/ids.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { connect } from '../../src/store/connection.ts';
import { databaseOf } from '../../src/store/database.ts';
import type { Database } from '../../src/tools/outside.ts';
import { failed, type ToolResult } from '../../src/tools/result.ts';
import type { Tool, ToolContext } from '../../src/tools/tool.ts';

export interface OpenDatabase {
  readonly database: Database;
  readonly close: () => Promise<void>;
}

/** The test run's PostgreSQL, or the one that DATABASE_URL names. */
export function openDatabase(): OpenDatabase {
  const url = inject('databaseUrl') ?? process.env.DATABASE_URL;
  if (!url) throw new Error('no database: run this in the integration project, or set DATABASE_URL');
  const sql = connect(url, { maxConnections: 4 });
  return { database: databaseOf(sql), close: () => sql.end({ timeoutMs: 5_000 }) };
}

export interface CallOptions {
  readonly shop: string;
  readonly idempotencyKey: string;
  readonly signal?: AbortSignal;
}

export function toolNamed(name: string): Tool<unknown> {
  const tool = agent.tools.get(name);
  if (!tool) throw new Error(`the support agent has no tool ${name}`);
  return tool;
}

export function servicesFor(database: Database, shop: string): unknown {
  return agent.services({ database }, { id: 'tester', tenant: shop, roles: [] });
}

/** Calls a tool as a worker does: arguments are parsed, and what does not parse is a failure. */
export async function callTool(
  database: Database,
  call: { readonly tool: string; readonly input: JsonObject },
  options: CallOptions,
): Promise<ToolResult> {
  const tool = toolNamed(call.tool);
  const parsed = tool.parse(call.input);
  if (parsed.kind === 'bad') return failed(parsed.problem);
  const context: ToolContext<unknown> = {
    requester: { id: 'tester', tenant: options.shop, roles: [] },
    key: callKey(runIdFromUuid('00000000-0000-4000-8000-000000000000'), 1, 0),
    idempotencyKey: options.idempotencyKey,
    services: servicesFor(database, options.shop),
    signal: options.signal ?? new AbortController().signal,
    heartbeat: () => undefined,
    now: () => new Date(0),
    log: () => undefined,
  };
  return tool.run(parsed.input, context);
}

/** A result as the recordings print it. */
export function printed(result: ToolResult): { readonly content: string; readonly isError: boolean } {
  switch (result.kind) {
    case 'success':
      return {
        content: typeof result.data === 'string' ? result.data : JSON.stringify(result.data),
        isError: false,
      };
    case 'not_found':
      return { content: `Error: ${result.message}`, isError: true };
    case 'failed':
      return { content: `Error: ${result.error}`, isError: true };
    default:
      return result satisfies never;
  }
}
