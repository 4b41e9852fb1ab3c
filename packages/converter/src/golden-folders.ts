import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointNames } from './fixtures.fixture.js';
import { compareGoldenFolder, type Difference } from './golden-folders.fixture.js';

/**
 * Converts every folder of fixtures/checkpoints and prints the largest differences to the original libraries:
 * `npx tsx packages/converter/src/golden-folders.ts`
 */
const scratch = await mkdtemp(join(tmpdir(), 'kimera-goldens-'));
const shown = ({ maxAbs, texts }: Difference): string => (texts === 0 ? '–' : maxAbs.toExponential(1));
const print = (cells: readonly string[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);
try {
  print([
    'folder',
    'hidden',
    'dense',
    'sparse',
    'ColBERT',
    'forward pass: hidden',
    'dense',
    'sparse',
    'ColBERT',
    'texts with other ids',
  ]);
  print(Array.from({ length: 10 }, () => '---'));
  for (const name of checkpointNames) {
    const { graphs, reference, differentIds } = await compareGoldenFolder(name, scratch);
    print([
      name,
      ...[graphs, reference].flatMap(({ hidden, dense, sparse, colbert }) =>
        [hidden, dense, sparse, colbert].map(shown),
      ),
      String(differentIds.length),
    ]);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
