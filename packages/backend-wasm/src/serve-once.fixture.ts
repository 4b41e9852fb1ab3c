import { readFile } from 'node:fs/promises';
import { tokenBatch } from '@kimera/core';
import { encodeVector, openModelFolder } from '@kimera/model-folder';
import { openWasmBackend } from './index.js';

interface Golden {
  readonly input_ids: readonly number[];
  readonly embedding: string;
}
/** How many of the goldens: enough to see every length. */
const TEXTS = 40;

/**
 * Runs texts of the goldens argv[3] on the folder argv[2] with two threads, closes, and prints their vectors and the
 * native addons that the process has loaded; then it must end by itself.
 */
const [, , folderPath = '', goldensPath = ''] = process.argv;
const folder = await openModelFolder(folderPath);
const file: unknown = JSON.parse(await readFile(goldensPath, 'utf8'));
const goldens = (file as { readonly cases: readonly Golden[] }).cases.slice(0, TEXTS);
const backend = await openWasmBackend({ folder, threads: 2 });
const { dense = new Float32Array() } = await backend.run(tokenBatch(goldens.map(({ input_ids }) => input_ids)), {
  heads: ['dense'],
});
await backend.close();
const { dimension } = folder.space;
const report = process.report.getReport() as { readonly sharedObjects?: readonly string[] };
process.stdout.write(
  JSON.stringify({
    addons: report.sharedObjects?.filter((path) => path.endsWith('.node')),
    expected: goldens.map(({ embedding }) => embedding),
    vectors: goldens.map((_, i) => encodeVector(dense.subarray(i * dimension, (i + 1) * dimension))),
  }),
);
