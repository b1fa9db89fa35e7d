import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type FrameLocator, type Locator, type Page } from 'playwright-core';
import type { BrowserNeeds } from './needs.ts';

/** Bound of every wait for the page. Two busy cores make a browser slow; a page that is ready is never waited for. */
const WAIT_MS = 60_000;

const SCREENSHOTS = fileURLToPath(new URL('../../.holdfast/screenshots/', import.meta.url));

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** One browser with one window, which can reach the Temporal UI and nothing else. */
export interface TemporalUi extends AsyncDisposable {
  /** Addresses outside the UI that pages asked for; each was refused. */
  readonly strayRequests: readonly string[];
  /** Opens the page of a workflow. */
  open(workflowId: string): Promise<WorkflowPage>;
}

export async function openTemporalUi(needs: BrowserNeeds): Promise<TemporalUi> {
  const browser = await chromium.launch({ executablePath: needs.chromium, args: FLAGS, timeout: WAIT_MS });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 1200 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(WAIT_MS);
  const strayRequests: string[] = [];
  await refuseStrays(context, needs.uiUrl, strayRequests);
  const page = await context.newPage();
  return {
    strayRequests,
    open: async (workflowId) => {
      await page.goto(`${needs.uiUrl}/namespaces/default/workflows/${workflowId}`);
      await page.getByRole('heading', { name: workflowId }).waitFor();
      return new WorkflowPage(page);
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function refuseStrays(context: BrowserContext, uiUrl: string, strays: string[]): Promise<void> {
  await context.route(
    (url) => /^(https?|wss?|ftp):$/.test(url.protocol) && url.origin !== uiUrl,
    (route) => {
      strays.push(route.request().url());
      return route.abort();
    },
  );
}

/** The page of one workflow, as a person uses it. */
export class WorkflowPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens the tab that holds the card, and waits until the card says this. */
  async showCard(containing: string): Promise<FrameLocator> {
    await this.page.getByRole('tab', { name: 'User Metadata' }).click();
    const card = this.page.frameLocator('iframe[title="output"]');
    await card.getByRole('heading', { name: containing }).first().waitFor();
    return card;
  }

  async showHistory(): Promise<void> {
    await this.page.getByRole('tab', { name: 'History' }).click();
    await this.page.getByRole('heading', { name: 'Event History' }).waitFor();
  }

  /** Marks this text on the card, copies it, and returns what the clipboard then holds. */
  async copy(text: Locator): Promise<string> {
    await text.click();
    await text.selectText();
    await this.page.keyboard.press('Control+C');
    return await this.page.evaluate<string>('navigator.clipboard.readText()');
  }

  /** More Actions, Send a Signal, choose the name, paste the data; `look` sees the dialog before it is sent. */
  async sendSignal(name: string, data: string, look = async () => {}): Promise<void> {
    await this.page.getByRole('button', { name: 'More Actions' }).click();
    await this.page.getByRole('menuitem', { name: 'Send a Signal' }).click();
    const dialog = this.page.getByRole('dialog', { name: 'Send a Signal' });
    await dialog.getByTestId('signal-select-button').click();
    await dialog.getByRole('option', { name, exact: true }).click();
    const editor = dialog.locator('[data-language="json"]');
    await editor.click();
    await this.page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(data)})`);
    await this.page.keyboard.press('Control+V');
    // Leaving the field lays its JSON out anew, which would move the button away from under a click on it.
    await dialog.getByText('json/plain').click();
    await editor.locator('.cm-line', { hasText: /^\{$/ }).waitFor();
    await look();
    await dialog.getByRole('button', { name: 'Submit' }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  /** Waits until the head of the page says so of the run. Below it activities have words of the same kind. */
  async waitForStatus(status: 'Running' | 'Completed'): Promise<void> {
    await this.page.locator('header').getByText(status, { exact: true }).waitFor();
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }
}
