import type { FrameLocator, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { usd } from '../../src/core/money.ts';
import { NAME_PLACEHOLDER } from '../../src/core/names.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { approvalsQuery, statusQuery } from '../../src/workflows/messages.ts';
import { type Handle, type Lab, openLab, until } from '../e2e/lab.ts';
import { call, effectTool, labAgent, say, script } from '../e2e/labAgent.ts';
import { browserNeeds } from './needs.ts';
import { openTemporalUi, type TemporalUi } from './temporalUi.ts';

const needs = browserNeeds();
/** The inline code of the line that begins so. */
function lineToPaste(card: FrameLocator, label: string): Locator {
  return card.locator('p', { hasText: new RegExp(`^${label}`) }).locator('code');
}

const SUMMARY = 'refund 42.50 USD of order #W5918442 to the card that paid';

describe.runIf(needs !== null)('a person at the Temporal UI', { timeout: 240_000 }, () => {
  let lab: Lab;
  let ui: TemporalUi;
  let acted = 0;

  beforeAll(async () => {
    if (needs === null) return;
    ui = await openTemporalUi(needs);
    const refund = effectTool(
      'refund_order',
      ({ what }) => {
        acted += 1;
        return { kind: 'success', data: `refunded ${what}` };
      },
      { summary: () => SUMMARY, amount: () => usd(42.5) },
    );
    lab = await openLab({
      databaseUrl: inject('databaseUrl'),
      temporalAddress: inject('temporalAddress'),
      agents: [
        labAgent([refund], {
          policy: [
            {
              name: 'refunds',
              match: { tiers: ['write_risky'] },
              answer: { kind: 'ask', reason: 'Money leaves the shop.' },
            },
          ],
        }),
      ],
      conversations: [
        script('Please refund my order.', [
          call('refund_order', 'W5918442'),
          say('Your refund is on its way.', {
            results: [{ tool: 'refund_order', contains: 'refunded W5918442' }],
          }),
        ]),
      ],
    });
  }, 120_000);
  afterAll(async () => {
    await ui?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const startAsking = async (): Promise<Handle> => {
    const handle = await lab.start({
      agent: 'lab',
      message: 'Please refund my order.',
      once: true,
      requester: { id: 'customer-8812' },
    });
    await until('the request', async () => (await handle.query(approvalsQuery)).length === 1);
    return handle;
  };

  test('approves by hand what the card says, and sees the run completed', async () => {
    const before = acted;
    const handle = await startAsking();
    const page = await ui.open(handle.workflowId);
    const card = await page.showCard('May this be done?');
    const words = await card.locator('main').textContent();
    expect(words).toContain(SUMMARY);
    expect(words).toContain('42.50 USD');
    expect(words).toContain('Money leaves the shop.');
    await page.waitForStatus('Running');
    await page.screenshot('approval-1-card');

    const pasted = await page.copy(lineToPaste(card, 'Yes'));
    expect(JSON.parse(pasted)).toMatchObject({ kind: 'approve', by: NAME_PLACEHOLDER, channel: 'ui' });
    await page.sendSignal('decide', pasted.replace(NAME_PLACEHOLDER, 'Ada Okafor'), () =>
      page.screenshot('approval-2-dialog'),
    );

    await page.waitForStatus('Completed');
    await page.showHistory();
    await page.page.getByText('Your refund is on its way.').first().waitFor();
    await page.screenshot('approval-3-completed');

    const result = await handle.result();
    expect(result).toMatchObject({ outcome: 'completed', reason: 'answered' });
    const [approval, ...others] = await lab.sql`
      select state, decision::jsonb as decision from approvals where run = ${result.run}`;
    expect(others).toEqual([]);
    expect(approval).toMatchObject({
      state: 'approved',
      decision: { by: 'Ada Okafor', channel: 'ui' },
    });
    expect(await lab.sql`select state, fence from effects where run = ${result.run}`).toMatchObject([
      { state: 'applied', fence: 1 },
    ]);
    expect(acted - before).toBe(1);
    const audit = await readAudit(lab.sql, result.run);
    expect(firstBrokenRow(result.run, audit)).toBeNull();
    const decided = audit.filter((row) => row.event === 'approval_approved');
    expect(decided.map((row) => JSON.parse(row.facts))).toMatchObject([{ by: 'Ada Okafor', channel: 'ui' }]);
    expect(audit.filter((row) => row.event === 'effect_applied')).toHaveLength(1);
  });

  test('a signal pasted without a name decides nothing', async () => {
    const before = acted;
    const handle = await startAsking();
    const page = await ui.open(handle.workflowId);
    const card = await page.showCard('May this be done?');
    const pasted = await page.copy(lineToPaste(card, 'Yes'));
    await page.sendSignal('decide', pasted);
    await until('the signal', async () => (await handle.query(statusQuery)).dropped === 1);
    expect(await handle.query(approvalsQuery)).toHaveLength(1);
    expect(acted).toBe(before);
    // The run is not stuck: the same line, with a name, ends it.
    await page.sendSignal('decide', pasted.replace(NAME_PLACEHOLDER, 'Ada Okafor'));
    await page.waitForStatus('Completed');
  });
});
