import { sha256Hex } from '@kimera/core';
import {
  checkProbes,
  decodeProbe,
  ModelFileHashError,
  ModelFileMissingError,
  recordedHash,
} from '@kimera/model-folder/pure';
import { InvalidStaticModelError } from '../errors.js';
import { StaticBackend } from '../static-backend.js';
import type { LoadParts, StaticModel } from '../static-model.js';
import { readTokenTable } from '../table/read-token-table.js';
import type { FileSource } from './file-source.js';
import { parseSafetensors } from './parse-safetensors.js';
import { parseStaticSpaceFile } from './parse-static-space-file.js';
import type { StaticSpaceFile } from './static-space-file.js';

/** A folder with our space.json: nothing serves before file hashes and probes hold. */
export async function loadKimeraModel(
  { files, openTokenizer, parseTokenizer }: LoadParts,
  spaceJson: string,
): Promise<StaticModel> {
  const space = await parseStaticSpaceFile(spaceJson, `${files.name}: space.json`);
  const { identity, fingerprint, modelId, variant } = space;
  const [weights, tokenizerJson] = await Promise.all([
    vouchedFile(files, space, 'model.safetensors'),
    vouchedFile(files, space, 'tokenizer.json'),
  ]);
  const tokenizer = parseTokenizer(new TextDecoder().decode(tokenizerJson), 'tokenizer.json');
  const source = `${files.name}: model.safetensors`;
  const read = readTokenTable(parseSafetensors(weights, source), 'embeddings', tokenizer.vocabularySize, source);
  if (read.table.dimension !== identity.dimension)
    throw new InvalidStaticModelError(
      source,
      `vectors of ${read.table.dimension} numbers, space.json says ${identity.dimension}`,
    );
  if (read.variant !== variant.name)
    throw new InvalidStaticModelError(source, `the table is ${read.variant}, space.json says ${variant.name}`);
  const backend = new StaticBackend({
    space: { ...identity, fingerprint, modelId, heads: ['dense'] },
    variant,
    table: read.table,
  });
  const probes = space.probes.map(decodeProbe);
  await checkProbes(backend, probes);
  return {
    backend,
    probes,
    tokenizer: await openTokenizer(tokenizer, { file: 'tokenizer.json', bytes: tokenizerJson }),
  };
}

async function vouchedFile(files: FileSource, space: StaticSpaceFile, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await files.read(name);
  if (bytes === undefined) throw new ModelFileMissingError(files.name, name);
  const [actual, expected] = [await sha256Hex(bytes), recordedHash(files.name, space.files, name)];
  if (actual !== expected) throw new ModelFileHashError(`${files.name}: ${name}`, expected, actual);
  return bytes;
}
