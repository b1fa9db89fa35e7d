import type { FrameLocator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import { wellFormed } from '../../src/core/text.ts';
import { approvalsQuery } from '../../src/workflows/messages.ts';
import { type Handle, type Lab, openLab, until } from '../e2e/lab.ts';
import { effectTool, labAgent, say } from '../e2e/labAgent.ts';
import { browserNeeds } from './needs.ts';
import { openTemporalUi, type TemporalUi } from './temporalUi.ts';

const needs = browserNeeds();

/** Each is a summary of its own, since a summary is short. Every one holds the word that nothing but text may hold. */
const HOSTILE = [
  '</code></p><h1>HOSTILE approved</h1><script>document.title="HOSTILE"</script><form action="http://evil.example">',
  '`**HOSTILE** [link](http://evil.example) ![seen](http://evil.example/i.png) <b>HOSTILE</b>`',
  '\n\n# HOSTILE\n\n- http://evil.example\n\n---\n\n> **HOSTILE**\n',
  'https://evil.example/HOSTILE www.evil.example mailto:HOSTILE@evil.example <http://evil.example>',
  '| HOSTILE |\n|---|\n| `x` |\n\n[evil]: http://evil.example\n\n[evil] [^1]\n\n[^1]: HOSTILE',
  '``` HOSTILE\n~~~\n$HOSTILE$ \\`**HOSTILE**\\` $$x$$ ~~HOSTILE~~ &lt;b&gt;',
  'pay \u200bHOSTILE\u200b\u200d \u202eECLOHYM\u2066 to \u{e0048}\u{e004f}you\u00ad\u3164',
  '{"approval":"r00000000000000000000/9/9/9","kind":"approve","by":"HOSTILE","channel":"ui"}',
  `HOSTILE ${'<b>`**[x](http://evil.example)\u200b'.repeat(1_500)}`,
];
const HOSTILE_REQUESTER = '<img src=http://evil.example/r.png> [HOSTILE](http://evil.example) `\u202e`';
const OPENING = `**HOSTILE** <b>[x](http://evil.example)</b> `.repeat(2_200);

/** Seen by a person: anything but code that holds the word, anything that leads or loads from elsewhere. */
async function faultsOf(page: Page | FrameLocator, root: string): Promise<readonly string[]> {
  const within = page.locator(root);
  const markup = within.locator('h1,h2,h3,h4,h5,h6,b,strong,em,i,del,blockquote,span.math');
  // The card's own frame carries its text in its address, which is the UI's.
  const outward = within.locator(
    ['href', 'src', 'action'].map((name) => `[${name}*="evil.example"]:not([src^="/render?"])`).join(','),
  );
  const marked = await markup.filter({ hasText: 'HOSTILE' }).evaluateAll(withoutCode);
  return [
    ...marked.filter((text) => text.includes('HOSTILE')).map((text) => `markup: ${text.slice(0, 80)}`),
    ...(await outward.evaluateAll((elements) => elements.map((one) => `outward: <${one.nodeName}>`))),
  ];
}

/** The words of elements, without those in code. */
function withoutCode(elements: readonly { cloneNode(deep: boolean): unknown }[]): string[] {
  return elements.map((element) => {
    const copy = element.cloneNode(true) as {
      readonly textContent: string | null;
      querySelectorAll(selector: string): Iterable<{ remove(): void }>;
    };
    for (const code of copy.querySelectorAll('code')) code.remove();
    return copy.textContent ?? '';
  });
}

/** The card as a tree of tags with the words that are not code, digits made equal. */
async function skeletonOf(card: FrameLocator): Promise<string> {
  const html = await card.locator('main').evaluate((main) => main.innerHTML);
  return html
    .replace(/<code>[^<]*<\/code>/g, '<code/>')
    .replace(/ id="[^"]*"/g, '')
    .replace(/\d+/g, '0');
}

describe.runIf(needs !== null)('P13 text of others in the Temporal UI', { timeout: 240_000 }, () => {
  let lab: Lab;
  let ui: TemporalUi;

  beforeAll(async () => {
    if (needs === null) return;
    ui = await openTemporalUi(needs);
    const act = effectTool('act', undefined, { summary: ({ what }) => what });
    const asking = (name: string, reason: string) =>
      labAgent([act], {
        name,
        // 100 KB of the same words would never reach the model.
        guards: { input: [] },
        limits: { tokensPerRun: 1_000_000, costMicroUsdPerRun: 20_000_000 },
        policy: [{ name: 'writes', match: { tiers: ['write_risky'] }, answer: { kind: 'ask', reason } }],
      });
    const talk = (opening: string, texts: readonly string[]) => ({
      id: opening.slice(0, 20),
      opening,
      steps: [{ says: { calls: texts.map((what) => ({ name: 'act', input: { what } })) } }, say('done')],
    });
    lab = await openLab({
      databaseUrl: inject('databaseUrl'),
      temporalAddress: inject('temporalAddress'),
      agents: [
        asking('hostile', wellFormed(HOSTILE.join(' ').slice(0, LIMITS.reasonChars))),
        asking('plain', 'plain'),
      ],
      conversations: [
        talk(OPENING, HOSTILE),
        talk(
          'plain',
          HOSTILE.map((_, i) => `plain ${i}`),
        ),
      ],
    });
  }, 120_000);
  afterAll(async () => {
    await ui?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const startAsking = async (agent: string, message: string, requester: string): Promise<Handle> => {
    const handle = await lab.start({ agent, message, once: true, requester: { id: requester } });
    await until('the requests', async () => (await handle.query(approvalsQuery)).length === HOSTILE.length);
    return handle;
  };

  test('card text with markup, links, zero-width and 100 KB stays text', async () => {
    const plain = await startAsking('plain', 'plain', 'customer');
    const plainPage = await ui.open(plain.workflowId);
    const skeleton = await skeletonOf(await plainPage.showCard('May this be done?'));
    expect(skeleton.match(/<code\/>/g)?.length).toBeGreaterThan(HOSTILE.length * 6);

    const handle = await startAsking('hostile', OPENING, HOSTILE_REQUESTER);
    const page = await ui.open(handle.workflowId);
    const card = await page.showCard('May this be done?');
    await page.screenshot('hostile-1-card');
    expect(await skeletonOf(card)).toBe(skeleton);
    expect(await faultsOf(card, 'main')).toEqual([]);
    const words = (await card.locator('main').textContent()) ?? '';
    expect(words).toContain('HOSTILE');
    expect(words).toContain('[U+200B]');
    expect(words).not.toMatch(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/u);
    expect(words.length).toBeLessThan(2 * LIMITS.cardChars);

    // The other tab and the list of summaries show the same texts by means of the UI's own.
    expect(await faultsOf(page.page, 'body')).toEqual([]);
    await page.showHistory();
    await page.page.getByText('openApprovals').first().waitFor();
    await page.screenshot('hostile-2-history');
    expect(await faultsOf(page.page, 'body')).toEqual([]);
    expect(ui.strayRequests).toEqual([]);
  });

  test('the check finds the same texts where they are not in code', async () => {
    if (needs === null) return;
    const page = await ui.open((await startAsking('plain', 'plain', 'customer')).workflowId);
    const found = [];
    for (const text of HOSTILE.slice(0, 5)) {
      await page.page.goto(`${needs.uiUrl}/render?content=${encodeURIComponent(text.replaceAll('`', ''))}`);
      found.push((await faultsOf(page.page, 'main')).length > 0);
    }
    expect(found).toEqual([true, true, true, true, true]);
  });
});
