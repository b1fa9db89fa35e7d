import { agent as support } from '../../src/agents/support/index.ts';
import type { Agent } from '../../src/tools/agent.ts';

const TOOL_TIMEOUT_MS = 500;

/** The support agent with short leases, so that a lost attempt is taken over in seconds. Its semantics are untouched. */
export const agent: Agent = {
  ...support,
  release: {
    ...support.release,
    tools: support.release.tools.map((tool) => ({
      ...tool,
      labels: { ...tool.labels, timeoutMs: TOOL_TIMEOUT_MS },
    })),
  },
};
