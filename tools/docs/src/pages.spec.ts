import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { showsOutput } from './expected-output.js';
import { Places } from './places.js';
import { readPage, type Block, type Page, type Place } from './read-page.js';
import type { Run, Shell } from './shell.js';
import { splitCommands } from './split-commands.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');
/**
 * KIMERA_DOCS: unset where pages are read and no block runs (`npm test`), `quick` for blocks that need tarballs alone, `all`
 * for all that needs no internet beside the package registry, `download` for everything.
 */
const extent = process.env['KIMERA_DOCS'];
const everything = extent === 'all' || extent === 'download';
const MINUTE = 60_000;
/** Installing the tarballs in an empty folder, on two busy cores; with a clone, `npm ci` there too. */
const PREPARATION = everything ? 20 * MINUTE : 8 * MINUTE;
const QUICK = 3 * MINUTE;
const SLOW = 45 * MINUTE;

const places = new Places(root, everything);
afterAll(() => places.close(), MINUTE);

const folders = (group: string): readonly string[] =>
  readdirSync(join(root, group)).map((name) => `${group}/${name}/README.md`);
/** Files and folders of the repository that a page names. */
const NAMED = /(?<![\w/.-])(?:packages|apps|tools|models|fixtures|benchmarks|docs)\/[\w./-]*\w/g;
const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...['packages', 'apps', 'tools', 'models'].flatMap(folders).filter((path) => hasPage(path)),
].map((path) => readPage(root, path));

it.each(PAGES.map(({ path }) => path))('%s names files that are there', (path) => {
  const named = readFileSync(join(root, path), 'utf8').match(NAMED) ?? [];
  expect(named.filter((name) => !existsSync(join(root, name)))).toEqual([]);
});

it('the README is at most 150 lines', () => {
  expect(readFileSync(join(root, 'README.md'), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});

for (const [number, page] of PAGES.entries()) {
  if (!page.blocks.some(runs)) continue;
  describe(page.path, () => {
    const shells = new Map<Place, Shell>();
    let last: { readonly block: Block; readonly run: Run } | undefined;
    let failed: Block | undefined;
    afterAll(async () => {
      for (const shell of shells.values()) await shell.close();
    }, MINUTE);

    it.each(page.blocks.filter(runs).map((block) => ({ block, name: nameOf(block) })))(
      '$name',
      async ({ block }) => {
        if (failed !== undefined) throw new Error(`the block of line ${failed.line} failed before it`);
        failed = block;
        if (block.kind === 'file' || block.kind === 'commands') {
          const shell = shells.get(block.place) ?? (await places.shell(block.place, number));
          shells.set(block.place, shell);
          if (block.kind === 'file') writeFileSync(join(shell.folder, block.name), `${block.text}\n`);
          else last = { block, run: await runCommands(page, block, shell) };
        } else if (block.kind === 'prints') {
          const stdout = last?.run.stdout ?? '';
          if (!showsOutput(block.text, stdout)) expect(stdout).toBe(block.text);
        }
        failed = undefined;
      },
      PREPARATION + (everything ? SLOW : QUICK),
    );
  });
}

async function runCommands(page: Page, block: Block & { kind: 'commands' }, shell: Shell): Promise<Run> {
  const timeout = block.slow ? SLOW : QUICK;
  let run: Run = { code: 0, stdout: '', stderr: '' };
  for (const { script, exitCode } of splitCommands(block.text)) {
    run =
      block.background === undefined
        ? await shell.run(script, timeout)
        : await shell.start(script, block.background, timeout);
    if (run.code !== exitCode)
      throw new Error(
        `${page.path}, line ${block.line}: exit code ${run.code} instead of ${exitCode}\n${script}\n${run.stdout}\n${run.stderr}`,
      );
  }
  return run;
}

/** Whether a block has something to do in this run. */
function runs(block: Block): boolean {
  switch (block.kind) {
    case 'shown':
      return false;
    case 'prints':
      return runs(block.of);
    case 'file':
    case 'commands':
      if (block.place === 'download') return extent === 'download';
      return everything || (extent === 'quick' && !block.slow && block.place !== 'clone');
  }
}

function nameOf(block: Block): string {
  const first = block.kind === 'file' ? `writes ${block.name}` : block.text.trim().split('\n')[0];
  return `line ${block.line}: ${block.kind === 'prints' ? 'the output is as shown' : first}`;
}

function hasPage(path: string): boolean {
  return existsSync(join(root, path));
}
