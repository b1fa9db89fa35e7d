// What applications import. Everything here is a thin call of `@temporalio/client` with the definitions below, which
// may just as well be used directly.

export { HoldfastError, type HoldfastErrorCode } from './client/errors.ts';
export { createHoldfastClient, HoldfastClient } from './client/holdfastClient.ts';
export {
  type AgentRun,
  CALL_TIMEOUT_MS,
  type RunHandle,
  SEND_TIMEOUT_MS,
  type SendInput,
  type SendOptions,
  type SendOrStartInput,
  type SendOrStartOptions,
  type StartOptions,
  type Steer,
} from './client/inputs.ts';
