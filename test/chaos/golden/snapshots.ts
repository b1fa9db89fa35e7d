import type { Handle, Lab } from '../../e2e/lab.ts';

// What a run is pinned to and has said so far: a deploy may change neither.

export interface Snapshot {
  readonly workflowId: string;
  readonly release: string;
  readonly nodes: readonly { readonly hash: string; readonly body: string }[];
}

export async function snapshot(lab: Lab, handles: readonly Handle[]): Promise<readonly Snapshot[]> {
  return Promise.all(
    handles.map(async ({ workflowId }) => {
      const [row] = await lab.sql<{ run: string; release: string }[]>`
        select run, release from runs where workflow_id = ${workflowId}`;
      const nodes = await lab.sql<{ hash: string; body: string }[]>`
        select hash, body from nodes where run = ${row?.run ?? ''} order by seq`;
      return { workflowId, release: row?.release ?? '', nodes };
    }),
  );
}

/** Nodes of then that are not there now, as they were; the first hangs on the release. */
export function rewritten(then: readonly Snapshot[], now: readonly Snapshot[]): readonly string[] {
  return then.flatMap(({ workflowId, release, nodes }) => {
    const later = now.find((one) => one.workflowId === workflowId);
    const isKept = (node: Snapshot['nodes'][number]) =>
      later?.nodes.some(({ hash, body }) => hash === node.hash && body === node.body) === true;
    return [
      ...(later?.release === release ? [] : [`${workflowId} has another release now`]),
      ...nodes
        .filter((node) => !isKept(node))
        .map(({ hash }) => `${workflowId}: node ${hash} is not as it was`),
      ...(nodes.length === 0 ? [`${workflowId} had said nothing`] : []),
    ];
  });
}

/** Runs that are not pinned to what their version published. */
export function strayed(
  runs: readonly Snapshot[],
  releases: readonly { readonly hash: string }[],
): readonly string[] {
  return runs
    .filter(({ release }) => !releases.some(({ hash }) => hash === release))
    .map(({ workflowId, release }) => `${workflowId} is pinned to ${release}, which is of the other version`);
}
