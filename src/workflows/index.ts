// What workers bundle. Safe in the workflow sandbox: nothing below may reach Node, zod, an SDK or an agent.
export { agentRun } from './agentRun.ts';
export { governor } from './governor.ts';
