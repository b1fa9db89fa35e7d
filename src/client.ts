// What applications import. Everything here is a thin call of `@temporalio/client` with the definitions below, which
// may just as well be used directly.

// Calls
export { HoldfastError, type HoldfastErrorCode } from './client/errors.ts';
export { createHoldfastClient, HoldfastClient } from './client/holdfastClient.ts';
export {
  type AgentRun,
  CALL_TIMEOUT_MS,
  type RunHandle,
  SEND_TIMEOUT_MS,
  type SendAgainOptions,
  type SendInput,
  type SendOptions,
  type SendOrStartInput,
  type SendOrStartOptions,
  type StartOptions,
  type Steer,
} from './client/inputs.ts';
export type { ApprovalRecord, DecisionRefusal } from './core/approvals.ts';
export type { Envelope } from './core/control.ts';
// The wire
export type { RunPhase } from './core/runPhases.ts';
export {
  AGENT_RUN,
  approvalsQuery,
  cancelSignal,
  closeSignal,
  type DecideReply,
  type Decision,
  decideNowUpdate,
  decideSignal,
  type EndReason,
  handOverSignal,
  messageSignal,
  type Outcome,
  pauseSignal,
  type RaiseLimit,
  type Reply,
  type RunResult,
  type RunStatus,
  raiseLimitSignal,
  resumeSignal,
  retrySignal,
  type StartInput,
  type Steering,
  sendUpdate,
  statusQuery,
  transcriptQuery,
  type UserMessage,
  upgradeSignal,
} from './workflows/messages.ts';
