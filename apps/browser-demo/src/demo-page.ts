import type { Page } from 'playwright-core';
import { z } from 'zod';

const stateSchema = z.object({
  status: z.string(),
  space: z.string(),
  isolated: z.boolean(),
  vectors: z.array(z.array(z.number())),
});
export type DemoState = z.infer<typeof stateSchema>;

/** Until a model opens, or a call is answered, on a machine that does other things too. */
const PATIENCE_MS = 60_000;

/** The demo page in a browser, as its visitor uses it. */
export class DemoPage {
  constructor(
    private readonly page: Page,
    private readonly url: string,
  ) {}

  /** Opens the page; resolves once its model is there or refused, with what the page says of it. */
  async open(): Promise<string> {
    await this.page.goto(this.url);
    await this.#reached('ready');
    return (await this.page.textContent('#status')) ?? '';
  }

  async embed(texts: readonly string[]): Promise<DemoState> {
    await this.page.fill('#texts', texts.join('\n'));
    await this.page.click('#form button');
    await this.#reached('embedded');
    return stateSchema.parse(
      await this.page.evaluate(`({
        status: document.querySelector('#status').textContent,
        space: document.body.dataset.space,
        isolated: crossOriginIsolated,
        vectors: JSON.parse(document.body.dataset.vectors),
      })`),
    );
  }

  async #reached(state: 'ready' | 'embedded'): Promise<void> {
    await this.page.waitForFunction(
      `document.body.dataset.state === '${state}' || document.querySelector('#status.failed') !== null`,
      undefined,
      { timeout: PATIENCE_MS },
    );
  }
}
