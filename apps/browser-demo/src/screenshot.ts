import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromiumPath, launchChromium } from './chromium.js';
import { DemoPage } from './demo-page.js';
import { startDemoServer } from './demo-server.js';

/** Writes docs/images/browser-vectors.png: the built page after it has embedded a few texts. */
const root = fileURLToPath(new URL('../../..', import.meta.url));
const executable = chromiumPath();
if (executable === undefined) throw new Error('no Chromium on this machine: set CHROMIUM_PATH');
const server = await startDemoServer({
  pagePath: join(root, 'apps/browser-demo/dist/page'),
  modelPath: join(root, 'models/all-MiniLM-L6-v2'),
  port: 0,
});
const browser = await launchChromium(executable);
try {
  const page = await browser.newPage({ viewport: { width: 900, height: 790 } });
  const demo = new DemoPage(page, server.url);
  await demo.open();
  await demo.embed(['A cat sits on the mat.', 'What is the capital of France?']);
  await page.screenshot({ path: join(root, 'docs/images/browser-vectors.png') });
} finally {
  await browser.close();
  await server.close();
}
