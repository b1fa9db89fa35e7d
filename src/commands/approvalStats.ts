import type { Command } from 'commander';
import { LIMITS } from '../core/limits.ts';
import { type ApprovalStatistics, readApprovalStatistics } from '../store/approvalStats.ts';
import { wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import { type Cell, duration, table } from './table.ts';
import type { Colors } from './terminal.ts';

/** `approvals stats`: how often people are asked, what they say, and how long they look. */
export function addApprovalStats(approvals: Command, run: Run): void {
  approvals
    .command('stats')
    .description('how people decide, for each tool and each approver, and what that says about the policy')
    .option('--agent <name>', 'of this agent only')
    .option(
      '--days <n>',
      'requests of the last days',
      wholeNumber(1, LIMITS.statisticsDaysMax),
      LIMITS.statisticsDays,
    )
    .action((flags: { readonly agent?: string; readonly days: number }) =>
      run(async (session) => {
        const { agent = null, days } = flags;
        const statistics = await session.store((sql) => readApprovalStatistics(sql, { agent, days }));
        session.terminal.show({ agent, days, ...statistics }, (shown, paint, columns) =>
          statisticsText(shown, days, paint, columns),
        );
        if (statistics.truncated)
          session.terminal.note(
            `only the newest ${LIMITS.statisticsApprovals} requests were read: choose fewer --days`,
          );
        return undefined;
      }),
    );
}

function statisticsText(shown: ApprovalStatistics, days: number, paint: Colors, columns: number): string {
  if (shown.requests === 0) return `nobody was asked about a call in the last ${days} days`;
  const tools = table(
    ['asked', 'yes', 'no', 'edited', 'expired', 'withdrawn', 'open', ...SHARED, 'tool'],
    shown.tools.map((one) => [
      ...[one.asked, one.approved, one.rejected, one.edited, one.expired, one.withdrawn, one.open].map(
        String,
      ),
      ...sharedCells(one),
      one.tool,
    ]),
    paint,
    columns,
  );
  const approvers = table(
    ['yes', 'no', 'edited', ...SHARED, 'approver'],
    shown.approvers.map((one) => [
      ...[one.approved, one.rejected, one.edited].map(String),
      ...sharedCells(one),
      one.by,
    ]),
    paint,
    columns,
  );
  return [
    tools,
    ...(shown.approvers.length === 0 ? [] : [approvers]),
    ...shown.findings.map((finding) => `${paint.yellow('finding:')} ${finding}`),
  ].join('\n\n');
}

const SHARED = ['median', `< ${LIMITS.hastyMs / 1_000} s`, 'overridden'];

function sharedCells(one: {
  readonly medianMs: number | null;
  readonly hastyShare: number | null;
  readonly overridden: number;
}): readonly Cell[] {
  const hasty = one.hastyShare === null ? '' : `${Math.round(one.hastyShare * 100)} %`;
  return [one.medianMs === null ? '' : duration(one.medianMs), hasty, String(one.overridden)];
}
