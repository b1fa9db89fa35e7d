import Anthropic from '@anthropic-ai/sdk';
import { LIMITS } from '../core/limits.ts';
import { callIdsOf, createAnswerBuilder, GarbledAnswerError } from './answer.ts';
import { classifyModelError, ModelCallError } from './classify.ts';
import type { ModelAnswer, ModelCallOptions, ModelProvider, ModelRequest } from './provider.ts';
import { toWireRequest } from './request.ts';
import { readUpstream, safeWord } from './upstream.ts';
import type { Aborted } from './watchdog.ts';
import { startWatchdog, watchBytes } from './watchdog.ts';

export interface AnthropicOptions {
  readonly apiKey: string;
  /** A gateway or a local server instead of the vendor's API. `ANTHROPIC_BASE_URL` is not read here. */
  readonly baseURL?: string;
  /** The longest silence, before the first byte or between two. Pings count as life. */
  readonly stallTimeoutMs: number;
  /** The longest call, from start to the last byte. */
  readonly callTimeoutMs: number;
}

/**
 * The Messages API through the vendor's SDK, always streaming, with retries off: whoever calls owns them. `complete`
 * throws ModelCallError only. An answer that is complete is returned even if the caller cancels at the same moment,
 * since it is paid for. Logging is off, because the SDK logs what it could not parse.
 *
 * Throws a TypeError for a key, a URL or a limit that can never work, without repeating the key.
 */
export function createAnthropicProvider(options: AnthropicOptions): ModelProvider {
  const { apiKey, baseURL, stallTimeoutMs, callTimeoutMs } = options;
  if (!/^[\x21-\x7e]+$/.test(apiKey))
    throw new TypeError(
      'the API key is empty or holds a character that no HTTP header may hold; set it again, without spaces or line ends',
    );
  if (baseURL !== undefined && !/^https?:$/.test(URL.canParse(baseURL) ? new URL(baseURL).protocol : ''))
    throw new TypeError(`the base URL ${JSON.stringify(baseURL.slice(0, 200))} is not an http or https URL`);
  checkLimit('stallTimeoutMs', stallTimeoutMs);
  checkLimit('callTimeoutMs', callTimeoutMs);

  const client = new Anthropic({
    apiKey,
    baseURL: baseURL ?? null,
    maxRetries: 0,
    // Ours fires first. The SDK's own ends with the headers anyway.
    timeout: callTimeoutMs + 1000,
    openTelemetry: false,
    logLevel: 'off',
  });

  return { complete: (request, call) => complete(client, { stallTimeoutMs, callTimeoutMs }, request, call) };
}

async function complete(
  client: Anthropic,
  limits: { readonly stallTimeoutMs: number; readonly callTimeoutMs: number },
  request: ModelRequest,
  call: ModelCallOptions,
): Promise<ModelAnswer> {
  const answer = createAnswerBuilder(callIdsOf(request.messages));
  const watchdog = startWatchdog({ signal: call.signal, ...limits });
  let requestId: string | null = null;
  let accepted = false;
  let streamBytes = 0;
  const onBytes = (count: number) => {
    streamBytes += count;
    if (streamBytes > LIMITS.modelStreamBytes)
      throw new GarbledAnswerError(`the answer is longer than ${LIMITS.modelStreamBytes} bytes`);
    watchdog.touch();
  };

  const fail = (error: unknown, aborted: Aborted) =>
    new ModelCallError(classifyModelError(error, { aborted }), {
      usage: answer.usage(),
      requestId: safeWord(readUpstream(error).requestId) ?? requestId,
      accepted,
    });

  try {
    const { data, request_id, response } = await client
      .withOptions({ fetch: watchBytes(onBytes) })
      .messages.create(toParams(request), { signal: watchdog.signal })
      .withResponse();
    requestId = safeWord(request_id ?? null);
    accepted = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    for await (const event of data) {
      answer.apply(event);
      if (answer.complete()) watchdog.limitSilence(LIMITS.modelDrainMs);
    }
  } catch (error) {
    // A whole answer stands, whatever happened to the end of its body.
    if (!answer.complete()) throw fail(error, watchdog.aborted());
  } finally {
    watchdog.stop();
  }

  try {
    return answer.finish(requestId);
  } catch (error) {
    // The SDK ends an aborted stream without a word; only an incomplete answer can be the abort's doing.
    throw fail(error, answer.complete() ? 'no' : watchdog.aborted());
  }
}

/** The only cast between our types and the SDK's: our blocks may be of kinds the SDK does not know. */
function toParams(request: ModelRequest): Anthropic.MessageCreateParamsStreaming {
  return {
    ...(toWireRequest(request) as unknown as Anthropic.MessageCreateParamsNonStreaming),
    stream: true,
  };
}

function checkLimit(name: string, limitMs: number): void {
  // Longer timers overflow in Node and fire at once.
  if (!Number.isInteger(limitMs) || limitMs < 1 || limitMs > 2_147_000_000)
    throw new TypeError(`${name}=${limitMs} is not a whole number of milliseconds from 1 to 2,147,000,000`);
}
