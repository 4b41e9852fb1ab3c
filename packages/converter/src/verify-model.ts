import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cosine, KimeraError, maxAbsDifference, norm, tokenBatch } from '@kimera/core';
import { checkProbes, chooseVariant, openModelFolder, probeFloor, verifyFileHashes } from '@kimera/model-folder';
import { parseTokenizer, tokenizerIdentity } from '@kimera/tokenizers';
import { architectureOf } from './architectures/index.js';
import { openCheckpoint } from './checkpoint/checkpoint.js';
import { referenceText, type OpenBackend } from './convert-checkpoint.js';
import { ReferenceModel } from './reference/reference-model.js';
import { FIDELITY_TEXTS } from './texts.js';

export interface VerificationRow {
  readonly check: string;
  readonly expected: string;
  readonly actual: string;
  readonly holds: boolean;
}

export interface VerifyOptions {
  readonly folder: string;
  readonly openBackend: OpenBackend;
  /** Checkpoint to compare with: its weights' hash and its forward pass. */
  readonly checkpoint?: string;
}

/** Checks a model folder line by line; a line that fails does not stop the others. @throws only where the folder cannot be opened at all. */
export async function verifyModel({ folder: path, openBackend, checkpoint }: VerifyOptions): Promise<readonly VerificationRow[]> {
  const folder = await openModelFolder(path);
  const { space } = folder;
  const variant = chooseVariant(folder);
  const rows: VerificationRow[] = [];
  const check = async (name: string, expected: string, run: () => Promise<{ readonly actual: string; readonly holds: boolean }>): Promise<void> => {
    try {
      rows.push({ check: name, expected, ...(await run()) });
    } catch (error) {
      rows.push({ check: name, expected, actual: error instanceof KimeraError ? error.message : String(error), holds: false });
    }
  };

  const count = Object.keys(folder.file.files).length;
  await check('file hashes', `${count} files as recorded`, async () => {
    await verifyFileHashes(folder);
    return { actual: `${count} equal`, holds: true };
  });
  const tokenizerJson = await readFile(join(path, 'tokenizer.json'), 'utf8');
  await check('tokenizer', space.tokenizer.slice(0, 12), async () => {
    const actual = await tokenizerIdentity(tokenizerJson);
    return { actual: actual.slice(0, 12), holds: actual === space.tokenizer };
  });
  await check('probe token ids', `${folder.probes.length} equal`, async () => {
    const tokenizer = parseTokenizer(tokenizerJson, join(path, 'tokenizer.json'));
    const equal = folder.probes.filter(({ text, role, ids }) => {
      const encoded = tokenizer.encode((role === null ? '' : space.prompts[role]) + text, { maxTokens: space.maxTokens });
      return encoded.ids.join() === ids.join();
    }).length;
    return { actual: `${equal} equal`, holds: equal === folder.probes.length };
  });

  const backend = await openBackend(folder, variant.name);
  try {
    await check('probe vectors', `cosine ≥ ${probeFloor(variant)}`, async () => {
      const results = await checkProbes(backend, folder.probes);
      const worst = Math.min(...results.map((result) => result.cosine));
      return { actual: `min ${worst.toFixed(7)}, max-abs ${Math.max(...results.map((result) => result.maxAbs)).toExponential(1)}`, holds: true };
    });
    await check('dimension and norm', space.normalize ? `${space.dimension}, norm 1 ± 1e-5` : String(space.dimension), async () => {
      const { dense = new Float32Array() } = await backend.run(tokenBatch(folder.probes.map(({ ids }) => ids)), { heads: ['dense'] });
      const dimension = dense.length / folder.probes.length;
      const norms = folder.probes.map((_, i) => norm(dense.subarray(i * dimension, (i + 1) * dimension)));
      const off = Math.max(...norms.map((value) => Math.abs(value - 1)));
      return { actual: space.normalize ? `${dimension}, norm off by ${off.toExponential(1)}` : String(dimension), holds: dimension === space.dimension && (!space.normalize || off < 1e-5) };
    });
    if (checkpoint !== undefined) {
      const opened = await openCheckpoint(checkpoint);
      try {
        const model = new ReferenceModel(opened, architectureOf(opened));
        await check('weights of the checkpoint', space.weights.slice(0, 12), async () => {
          const actual = await model.weightsHash();
          return { actual: actual.slice(0, 12), holds: actual === space.weights };
        });
        const { fidelity } = variant;
        await check('forward pass', `cosine ≥ ${fidelity.minCosine} (as recorded)`, async () => {
          const tokenizer = parseTokenizer(tokenizerJson, join(path, 'tokenizer.json'));
          let worst = 1;
          let largest = 0;
          const texts = FIDELITY_TEXTS.map((text) => referenceText(tokenizer, '', text, space.maxTokens));
          for (const [i, { dense: expected }] of (await model.embedAll(texts)).entries()) {
            const { dense = new Float32Array() } = await backend.run(tokenBatch([Int32Array.from(texts[i]?.ids ?? [])]), { heads: ['dense'] });
            worst = Math.min(worst, cosine(expected, dense));
            largest = Math.max(largest, maxAbsDifference(expected, dense));
          }
          return { actual: `min ${worst.toFixed(7)}, max-abs ${largest.toExponential(1)}, ${FIDELITY_TEXTS.length} texts`, holds: worst >= fidelity.minCosine - 1e-6 };
        });
      } finally {
        await opened.tensors.close();
      }
    }
  } finally {
    await backend.close();
  }
  return rows;
}
