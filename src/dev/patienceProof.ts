import { isObject } from '../core/json.ts';
import { storeDirectory } from '../people/storeDirectory.ts';
import { parseFacts } from '../store/audit.ts';
import type { Sql } from '../store/connection.ts';
import { verifyAudit } from '../store/integrity.ts';
import type { Patience } from './patience.ts';
import { type Check, check, checkAudit, effectWords, type Facts, list } from './proof.ts';

/** What the store says of an approval that took long, and of what came after it, beyond `Facts`. */
export interface PatienceFacts {
  readonly requester: { readonly id: string; readonly tenant: string | null };
  readonly approvals: readonly {
    readonly id: string;
    readonly state: string;
    readonly requester: string;
    readonly by: string | null;
    /** `signed` or `unverified`: how sure it is who decided. */
    readonly identity: string | null;
  }[];
  /** What the directory says now of the one who decided; none for people it does not know. */
  readonly roles: readonly string[];
  readonly notices: readonly string[];
  /** For whom each effect was done. */
  readonly tenants: readonly (string | null)[];
  /** The shops that remember a change of this run. */
  readonly shops: readonly string[];
  /** What `holdfast audit verify` has to say about the run. */
  readonly faults: readonly string[];
}

export async function readPatienceFacts(sql: Sql, run: string, decider: string): Promise<PatienceFacts> {
  const [requester] = await sql<PatienceFacts['requester'][]>`
    select requester as id, tenant from runs where run = ${run}`;
  if (requester === undefined) throw new Error(`the store has no run ${run}`);
  const effects = await sql<{ tenant: string | null }[]>`
    select tenant from effects where run = ${run} order by key`;
  const shops = await sql<{ shop: string }[]>`
    select distinct shop from shop.applied where idempotency_key like ${`${run}/%`} order by shop`;
  const notices = await sql<{ type: string }[]>`
    select type from notices where run = ${run} order by created_at, id`;
  const person = (await storeDirectory(sql).find([decider])).get(decider);
  return {
    requester,
    approvals: await sql<PatienceFacts['approvals'][number][]>`
      select id, state, requester, decision::jsonb ->> 'by' as by, decision::jsonb ->> 'identity' as identity
      from approvals where run = ${run} order by opened_at`,
    roles: person?.roles ?? [],
    notices: notices.map(({ type }) => type),
    tenants: effects.map(({ tenant }) => tenant),
    shops: shops.map(({ shop }) => shop),
    faults: (await verifyAudit(sql, { run })).faults.map(({ problem }) => problem),
  };
}

/** Reminded twice, escalated once, decided by somebody whom it was escalated to; and only then done, once. */
export function checkPatience(
  found: PatienceFacts & { readonly patience: Patience; readonly facts: Facts },
  order: string,
): readonly Check[] {
  const { patience, facts, requester, approvals, notices } = found;
  const { before, decider } = patience;
  const [effect] = facts.effects;
  const [approval] = approvals;
  const at = (event: string) => facts.audit.findIndex((row) => row.event === event);
  const audited = (event: string) => facts.audit.filter((row) => row.event === event).length;
  const noticed = (type: string) => notices.filter((one) => one === type).length;
  const others = rolesIn(facts, 'approval_escalated', 'to');
  const first = rolesIn(facts, 'approval_opened', 'approvers');
  const [yes] = facts.audit.filter(({ event }) => event === 'approval_approved');
  const audits = yes === undefined ? null : parseFacts(yes.facts).by;
  return [
    check(
      'two reminders and one escalation, audited and noticed',
      audited('approval_reminded') === 2 &&
        audited('approval_escalated') === 1 &&
        noticed('approval.reminder') === 2 &&
        noticed('approval.escalated') === 1,
      `${audited('approval_reminded')} and ${audited('approval_escalated')} audited, ${noticed('approval.reminder')} and ${noticed('approval.escalated')} noticed`,
    ),
    check(
      'decided after the escalation, by one of those it went to',
      approvals.length === 1 &&
        approval?.state === 'approved' &&
        approval.by === decider.id &&
        audits === decider.id &&
        found.roles.some((role) => others.includes(role) && !first.includes(role)) &&
        at('approval_escalated') !== -1 &&
        at('approval_escalated') < at('approval_approved'),
      `${approval?.by ?? 'nobody'}, ${list(found.roles)}, ${approval?.identity ?? 'not said'}; asked ${list(first)}, then ${list(others)}`,
    ),
    check(
      'nothing ran before the decision',
      before.effects.length === 0 &&
        before.applied.length === 0 &&
        before.changedOrders.length === 0 &&
        at('approval_approved') !== -1 &&
        at('approval_approved') < at('effect_claimed'),
      `${before.effects.length} effects, ${before.changedOrders.length} changed orders until then`,
    ),
    check(
      'one effect, applied at the first attempt, and the shop remembers its key once',
      facts.effects.length === 1 &&
        effect?.state === 'applied' &&
        effect.fence === 1 &&
        facts.applied.length === 1 &&
        facts.applied[0]?.key === effect.key,
      list(facts.effects.map(effectWords)),
    ),
    check(`only order ${order} changed`, facts.changedOrders.join() === order, list(facts.changedOrders)),
    check(
      "done with the customer's own identity, not the director's",
      requester.id !== decider.id &&
        approval?.requester === requester.id &&
        requester.tenant !== null &&
        found.tenants.join() === requester.tenant &&
        found.shops.join() === requester.tenant,
      `for ${requester.id}, in the shop ${list(found.shops)}`,
    ),
    checkAudit(facts),
    checkFaults(found),
  ];
}

export function checkFaults({ faults }: Pick<PatienceFacts, 'faults'>): Check {
  return check('audit verify finds nothing wrong', faults.length === 0, faults[0] ?? 'no faults');
}

/** The roles that an audit row speaks of, under this name. */
function rolesIn(facts: Facts, event: string, name: string): readonly string[] {
  const rows = facts.audit.filter((row) => row.event === event);
  return rows.flatMap((row) => {
    const approvers = parseFacts(row.facts)[name];
    return isObject(approvers) && Array.isArray(approvers.roles) ? approvers.roles.map(String) : [];
  });
}
