import { agent as support } from '../agents/support/index.ts';
import { prompt } from '../agents/support/prompt.ts';
import type { Ask } from '../core/policy.ts';
import { defineAgent } from '../tools/agent.ts';

/** Here a day passes in six seconds: the one number by which these times differ from those of an office. */
export const HOUR_MS = 250;

/** Two reminders, then somebody else; nobody is hurried by the deadline. */
const patience = {
  approvers: { roles: ['clerk'] },
  remindAfterMs: [24 * HOUR_MS, 48 * HOUR_MS],
  escalation: [{ afterMs: 60 * HOUR_MS, approvers: { roles: ['director'] } }],
  deadlineMs: 120 * HOUR_MS,
} as const satisfies Partial<Ask>;

/** The support agent as it ships, but for who is asked and for how long. Rules are data. */
export const agent = defineAgent<unknown>({
  name: 'support-patient',
  prompt,
  // The built-in ones are added to every agent anew.
  tools: [...support.tools.values()].filter(({ labels }) => labels.category !== 'built-in'),
  permissions: support.release.permissions,
  policy: support.release.policy.map((rule) =>
    rule.answer.kind === 'ask' ? { ...rule, answer: { ...rule.answer, ...patience } } : rule,
  ),
  limits: support.release.limits,
  phases: support.release.phases,
  guards: support.guards,
  waivers: { toolCount: 'They are those of the support agent, for its reasons.' },
  services: support.services,
  setup: support.setup,
});
