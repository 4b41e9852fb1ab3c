import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KimeraError, norm, shortFingerprint, tokenBatch, tokenLimit, type InferenceBackend } from '@kimera/core';
import {
  checkProbes,
  chooseVariant,
  openModelFolder,
  probeFloor,
  verifyFileHashes,
  type ModelFolder,
  type SpaceFileVariant,
} from '@kimera/model-folder';
import { compareWitness, embedTexts, readWitness } from '@kimera/reference-encoder';
import { parseTokenizer, tokenizerIdentity } from '@kimera/tokenizers';
import { architectureOf } from './architectures/architecture-of.js';
import { openCheckpoint } from './checkpoint/checkpoint.js';
import { fidelityOf, runDense, runTexts, type OpenBackend } from './fidelity/fidelity.js';
import { referenceText } from './fidelity/reference-texts.js';
import { FIDELITY_TEXTS } from './fidelity/texts.js';
import { CheckpointModel } from './model/checkpoint-model.js';

export interface VerificationRow {
  readonly check: string;
  readonly expected: string;
  readonly actual: string;
  readonly holds: boolean;
}

export interface VerifyOptions {
  readonly folder: string;
  readonly openBackend: OpenBackend;
  /**
   * Checkpoint to compare with: its weights' hash and its forward pass, as the conversion reads them, and all that a
   * second reader, the witness, sees in it.
   */
  readonly checkpoint?: string;
}

/**
 * Checks a model folder line by line, every variant; a line that fails does not stop the others. @throws only where the
 * folder cannot be opened at all.
 */
export async function verifyModel({
  folder: path,
  openBackend,
  checkpoint,
}: VerifyOptions): Promise<readonly VerificationRow[]> {
  const folder = await openModelFolder(path);
  const table = new Table();
  const tokenizerJson = await readFile(join(path, 'tokenizer.json'), 'utf8');
  await checkFiles(table, folder, tokenizerJson);
  for (const variant of folder.file.variants) await checkVariant(table, folder, variant, openBackend);
  if (checkpoint === undefined) return table.rows;
  const opened = await openCheckpoint(checkpoint);
  try {
    await checkAgainst(table, folder, new CheckpointModel(opened, architectureOf(opened)), tokenizerJson, openBackend);
  } finally {
    await opened.tensors.close();
  }
  await checkWitness(table, folder, checkpoint, tokenizerJson, openBackend);
  return table.rows;
}

type Outcome = Pick<VerificationRow, 'actual' | 'holds'>;

class Table {
  readonly rows: VerificationRow[] = [];

  add(rows: readonly VerificationRow[]): void {
    this.rows.push(...rows);
  }

  /** Adds a line. If `run` throws, the line does not hold. */
  async check(check: string, expected: string, run: () => Promise<Outcome>): Promise<void> {
    try {
      this.rows.push({ check, expected, ...(await run()) });
    } catch (error) {
      this.rows.push({
        check,
        expected,
        actual: error instanceof KimeraError ? error.message : String(error),
        holds: false,
      });
    }
  }
}

async function checkFiles(table: Table, folder: ModelFolder, tokenizerJson: string): Promise<void> {
  const { space, probes, path } = folder;
  const count = Object.keys(folder.file.files).length;
  await table.check('file hashes', `${count} files as recorded`, async () => {
    await verifyFileHashes(folder);
    return { actual: `${count} equal`, holds: true };
  });
  await table.check('tokenizer', shortFingerprint(space.tokenizer), async () => {
    const actual = await tokenizerIdentity(tokenizerJson);
    return { actual: shortFingerprint(actual), holds: actual === space.tokenizer };
  });
  await table.check('probe token ids', `${probes.length} equal`, async () => {
    const tokenizer = parseTokenizer(tokenizerJson, join(path, 'tokenizer.json'));
    const equal = probes.filter(({ text, role, ids }) => {
      const encoded = tokenizer.encode((role === null ? '' : space.prompts[role]) + text, tokenLimit(space));
      return encoded.ids.join() === ids.join();
    }).length;
    return { actual: `${equal} equal`, holds: equal === probes.length };
  });
}

async function checkVariant(
  table: Table,
  folder: ModelFolder,
  variant: SpaceFileVariant,
  openBackend: OpenBackend,
): Promise<void> {
  const { space, probes } = folder;
  const named = (name: string): string => (folder.file.variants.length === 1 ? name : `${variant.name}: ${name}`);
  let backend: InferenceBackend | undefined;
  await table.check(named('loads'), 'yes', async () => {
    backend = await openBackend(folder, variant.name);
    return { actual: 'yes', holds: true };
  });
  if (backend === undefined) return;
  const opened = backend;
  try {
    const others = space.heads
      .filter((head) => head !== 'dense')
      .map((head) => `, ${head} ≥ ${probeFloor(variant, head)}`);
    await table.check(named('probe vectors'), `cosine ≥ ${probeFloor(variant)}${others.join('')}`, async () => {
      const results = await checkProbes(opened, probes);
      const worst = Math.min(...results.map((result) => result.cosine));
      return {
        actual: `min ${worst.toFixed(7)}, max-abs ${Math.max(...results.map((result) => result.maxAbs)).toExponential(1)}`,
        holds: true,
      };
    });
    await table.check(
      named('dimension and norm'),
      space.normalize ? `${space.dimension}, norm 1 ± 1e-5` : String(space.dimension),
      async () => {
        const { dense = new Float32Array() } = await opened.run(tokenBatch(probes.map(({ ids }) => ids)), {
          heads: ['dense'],
        });
        const dimension = dense.length / probes.length;
        const norms = probes.map((_, i) => norm(dense.subarray(i * dimension, (i + 1) * dimension)));
        const off = Math.max(...norms.map((value) => Math.abs(value - 1)));
        return {
          actual: space.normalize ? `${dimension}, norm off by ${off.toExponential(1)}` : String(dimension),
          holds: dimension === space.dimension && (!space.normalize || off < 1e-5),
        };
      },
    );
  } finally {
    await opened.close();
  }
}

/** The base variant against the checkpoint: all held-out texts, all heads. */
async function checkAgainst(
  table: Table,
  folder: ModelFolder,
  model: CheckpointModel,
  tokenizerJson: string,
  openBackend: OpenBackend,
): Promise<void> {
  const { space, path } = folder;
  await table.check('weights of the checkpoint', shortFingerprint(space.weights), async () => {
    const actual = await model.weightsHash();
    return { actual: shortFingerprint(actual), holds: actual === space.weights };
  });
  const { fidelity, name } = chooseVariant(folder);
  await table.check('forward pass', `cosine ≥ ${fidelity.minCosine} (as recorded)`, async () => {
    const tokenizer = parseTokenizer(tokenizerJson, join(path, 'tokenizer.json'));
    // A text beyond the positions has no vector, and is refused.
    const texts = FIDELITY_TEXTS.map((text) => referenceText(tokenizer, '', text, tokenLimit(space))).filter(
      ({ ids }) => ids.length > 0 && ids.length <= (space.positions ?? Infinity),
    );
    const expected = await embedTexts(model.reference(), texts);
    const backend = await openBackend(folder, name);
    const actual = await runTexts(backend, texts).finally(() => backend.close());
    const measured = fidelityOf(actual, expected, 7);
    const heads = [
      ['', measured, fidelity] as const,
      ...(['sparse', 'colbert'] as const).map(
        (head) => [`${head} `, measured.heads?.[head], fidelity.heads?.[head] ?? fidelity] as const,
      ),
    ];
    const shown = heads.flatMap(([head, found]) =>
      found === undefined ? [] : [`${head}min ${found.minCosine.toFixed(7)}`],
    );
    const holds = heads.every(
      ([, found, recorded]) => found === undefined || found.minCosine >= recorded.minCosine - 1e-6,
    );
    return { actual: `${shown.join(', ')}, max-abs ${measured.maxAbs.toExponential(1)}, ${texts.length} texts`, holds };
  });
}

/** float32 on one side and float64 on the other: the rounding of sums. */
const FLOAT32 = { cosine: 0.999999, norm: 1e-4 };

/** The base variant against what the witness reads. A witness that cannot read the checkpoint is a line that fails. */
async function checkWitness(
  table: Table,
  folder: ModelFolder,
  checkpoint: string,
  tokenizerJson: string,
  openBackend: OpenBackend,
): Promise<void> {
  await table.check('witness', 'reads the checkpoint', async () => {
    const witness = await readWitness(checkpoint);
    try {
      const variant = chooseVariant(folder);
      const backend = await openBackend(folder, variant.name);
      try {
        const lines = await compareWitness(witness, {
          space: folder.space,
          architecture: folder.file.architecture,
          tokenizerJson,
          tokenizer: parseTokenizer(tokenizerJson, join(folder.path, 'tokenizer.json')),
          heads: folder.space.heads,
          near: variant.name === 'fp32' ? FLOAT32 : { cosine: probeFloor(variant), norm: 0.05 },
          embed: (texts) => runDense(backend, texts),
        });
        table.add(lines);
        return { actual: `${lines.length} lines above`, holds: true };
      } finally {
        await backend.close();
      }
    } finally {
      await witness.close();
    }
  });
}
