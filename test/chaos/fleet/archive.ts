import { eventsOf, type NamedHistory } from '../../../src/replay/history.ts';

/** Where histories come from: a client. */
export interface Archive {
  readonly workflow: {
    getHandle(workflowId: string, runId?: string): { fetchHistory(): Promise<NamedHistory['history']> };
  };
}

/** From the newest back to the first. */
export async function* executionsOf(
  client: Archive,
  workflowId: string,
): AsyncGenerator<{ readonly runId: string; readonly history: NamedHistory['history'] }> {
  let runId: string | undefined;
  do {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const started = eventsOf(history)[0]?.workflowExecutionStartedEventAttributes;
    yield { runId: started?.originalExecutionRunId ?? '', history };
    runId = started?.continuedExecutionRunId || undefined;
  } while (runId !== undefined);
}
