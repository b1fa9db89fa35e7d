import { readConfig } from '../../src/config.ts';
import { createAnthropicProvider } from '../../src/models/anthropic.ts';
import { createCircuits } from '../../src/models/circuit.ts';
import { serve } from './fleet/serve.ts';
import { IMPATIENCE } from './impatience.ts';

// A worker process whose patience with the model API is shorter, and of the same shape: so that a campaign that waits
// for it to run out ends before its readers do.

const { anthropic } = readConfig(process.env);
await serve({
  provider: createAnthropicProvider({
    apiKey: anthropic.apiKey,
    ...(anthropic.baseUrl !== null && { baseURL: anthropic.baseUrl }),
    stallTimeoutMs: IMPATIENCE.stallMs,
    callTimeoutMs: IMPATIENCE.callMs,
  }),
  circuits: createCircuits({
    nowMs: () => performance.now(),
    random: Math.random,
    limits: { openFirstMs: IMPATIENCE.openFirstMs, openMaxMs: IMPATIENCE.openMaxMs },
  }),
});
