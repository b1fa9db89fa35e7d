import { postgresEnding } from './postgres.ts';
import { signalProcess } from './processes.ts';
import type { StackState } from './state.ts';
import { temporalEnding } from './temporalServer.ts';

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Asks the children to end when this process exits without stop(): after an uncaught error, a process.exit, or a
 * signal that nobody else handles. It cannot wait for them; stop() is the way that waits. Returns how to undo it.
 */
export function endPartsOnExit(parts: () => StackState['parts']): () => void {
  const onExit = () => {
    const { postgres, temporal } = parts();
    if (postgres !== undefined) signalProcess(postgres, postgresEnding[0].signal);
    if (temporal !== undefined) signalProcess(temporal, temporalEnding[0].signal);
  };
  const handlers = Object.entries(signals).map(([signal, code]) => {
    const handler = () => {
      // Somebody else who listens decides what the signal means, and calls stop() in time.
      if (process.listenerCount(signal) === 1) process.exit(code);
    };
    process.on(signal, handler);
    return () => process.removeListener(signal, handler);
  });
  process.on('exit', onExit);
  return () => {
    process.removeListener('exit', onExit);
    for (const remove of handlers) remove();
  };
}
