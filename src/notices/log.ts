import type { Json, JsonObject } from '../core/json.ts';
import { isObject } from '../core/json.ts';
import { oneLine } from '../core/text.ts';
import type { Notice } from '../store/notices.ts';
import type { Notifier } from './notifier.ts';

const LINE_CHARS = 600;

/** One line for each notice. `write` gets it without a line break, and makes it safe for where it goes. */
export function createLogNotifier(write: (line: string) => void): Notifier {
  return {
    name: 'log',
    deliver: async (notice) => {
      try {
        write(oneLine(`notice: ${noticeText(notice)}`, LINE_CHARS));
        return { kind: 'delivered' };
      } catch (error) {
        return {
          kind: 'retry',
          why: `could not be written (${error instanceof Error ? error.name : error})`,
        };
      }
    },
  };
}

export function noticeText({ type, data }: Pick<Notice, 'type' | 'data'>): string {
  const approval = `${text(data.approval)} of ${text(data.workflowId)}: ${text(data.summary)}`;
  const handOver = `${text(data.run)} (${text(data.workflowId)}): ${text(data.summary)}`;
  const breaker = `: breaker ${text(data.breaker)}${data.forced === true ? byText(data.by) : ''}${typeof data.why === 'string' ? ` (${data.why})` : ''}`;
  switch (type) {
    case 'approval.opened':
      return `waits for ${whoText(data)} until ${text(data.deadline)}: approval ${approval}`;
    case 'approval.reminder':
      return `still waits for ${whoText(data)} until ${text(data.deadline)}: approval ${approval}`;
    case 'approval.escalated':
      return `waits for ${whoText(data)} now, until ${text(data.deadline)}: approval ${approval}`;
    case 'approval.closed':
      return `${text(data.state)}${byText(data.by)}: approval ${approval}`;
    case 'handover.opened':
      return `handed over to ${text(data.queue)}: run ${handOver}`;
    case 'handover.reminder':
      return `nobody in ${text(data.escalatedTo ?? data.queue)} has accepted yet: run ${handOver}`;
    case 'handover.escalated':
      return `nobody in ${text(data.queue)} accepted, so it goes to ${text(data.escalatedTo)}: run ${handOver}`;
    case 'handover.accepted':
      return `accepted by ${text(data.acceptedBy)}: run ${handOver}`;
    case 'breaker.opened':
      return `open${untilText(data)}${breaker}`;
    case 'breaker.half_open':
      return `lets a few through again${breaker}`;
    case 'breaker.closed':
      return `closed${untilText(data)}${breaker}`;
    default:
      return type satisfies never;
  }
}

function whoText({ approvers, requesterMay }: JsonObject): string {
  if (requesterMay === 'only') return 'the requester';
  const { people, roles } = isObject(approvers) ? approvers : {};
  const named = [...texts(people), ...texts(roles).map((role) => `role ${role}`)];
  return named.length === 0 ? 'anybody' : named.join(', ');
}

function untilText({ until }: JsonObject): string {
  return typeof until === 'string' ? ` until ${until}` : '';
}

function byText(by: Json | undefined): string {
  return typeof by === 'string' ? ` by ${by}` : '';
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '?';
}
