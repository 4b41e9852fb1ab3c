import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStaticModel, parseStaticSpaceFile } from '@kimera/backend-light';
import type { VerificationRow } from '@kimera/converter';
import { KimeraError } from '@kimera/core';
import { Embedder } from '@kimera/embedder';
import { probeFloor } from '@kimera/model-folder';
import { tokenizerIdentity } from '@kimera/tokenizers';

/** The lines of the verification of a static model. @throws InvalidSpaceFileError. */
export async function checkStaticFolder(folder: string): Promise<readonly VerificationRow[]> {
  const spacePath = join(folder, 'space.json');
  const { identity, variant } = await parseStaticSpaceFile(await readFile(spacePath, 'utf8'), spacePath);
  const rows: VerificationRow[] = [];
  try {
    const embedder = new Embedder(await openStaticModel({ path: folder }));
    rows.push({ check: 'file hashes', expected: 'those of space.json', actual: 'equal', holds: true });
    const tokenizer = await tokenizerIdentity(await readFile(join(folder, 'tokenizer.json'), 'utf8'));
    rows.push({
      check: 'tokenizer',
      expected: identity.tokenizer,
      actual: tokenizer,
      holds: tokenizer === identity.tokenizer,
    });
    try {
      const { probes } = await embedder.testModel();
      const floor = probeFloor(variant);
      const least = Math.min(...probes.map(({ cosine }) => cosine));
      const farthest = Math.max(...probes.map(({ norm }) => Math.abs(norm - 1)));
      rows.push({
        check: 'probe tokens',
        expected: `${probes.length} equal`,
        actual: `${probes.filter(({ tokensEqual }) => tokensEqual).length} equal`,
        holds: probes.every(({ tokensEqual }) => tokensEqual),
      });
      rows.push({
        check: `${variant.name}: probe vectors`,
        expected: `cosine ≥ ${floor}`,
        actual: least.toFixed(6),
        holds: least >= floor,
      });
      rows.push({
        check: `${variant.name}: norm`,
        expected: '1 ± 1e-6',
        actual: `off by ${farthest.toExponential(1)}`,
        holds: farthest <= 1e-6,
      });
    } finally {
      await embedder.close();
    }
  } catch (error) {
    if (!(error instanceof KimeraError)) throw error;
    rows.push({
      check: 'model opens',
      expected: 'every file whole, every probe its vector',
      actual: error.message,
      holds: false,
    });
  }
  return rows;
}
