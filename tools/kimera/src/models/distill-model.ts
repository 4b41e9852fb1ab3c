import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openStaticBackend, parseStaticSpaceFile, staticModelFiles, type StaticSpaceFile } from '@kimera/backend-light';
import { openOnnxBackend } from '@kimera/backend-onnx';
import { writeFolder } from '@kimera/converter';
import { distill, type DistillProgress } from '@kimera/distill';
import { openModelFolder } from '@kimera/model-folder';
import { StoppedError } from '../errors.js';

export interface DistillModelOptions {
  /** Model folder of the teacher. */
  readonly source: string;
  /** Folder to write; must not exist. */
  readonly out: string;
  readonly dimension: number;
  /** A file of texts, one a line. */
  readonly textsPath?: string;
  readonly precision: 'fp32' | 'int8';
  /** Defaults to the folder's name. */
  readonly modelId?: string;
  readonly onProgress?: (progress: DistillProgress) => void;
  readonly stop: AbortSignal;
}

/**
 * Distils a model folder into a static one on the native backend. Everything is computed before anything is written,
 * and the folder appears under its name only when it is whole and has served its probes.
 * @throws OutputExistsError, StoppedError with nothing left on the disk, and the errors of the folder, the backend and
 * distill.
 */
export async function distillModel({
  source,
  out,
  dimension,
  textsPath,
  precision,
  modelId = basename(out),
  onProgress,
  stop,
}: DistillModelOptions): Promise<StaticSpaceFile> {
  try {
    return await writeFolder(out, async (partial) => {
      const texts =
        textsPath === undefined
          ? []
          : (await readFile(textsPath, 'utf8')).split(/\r?\n/).filter((line) => line.trim() !== '');
      const files = await teach({
        source,
        dimension,
        texts,
        precision,
        modelId,
        stop,
        ...(onProgress === undefined ? {} : { onProgress }),
      });
      await mkdir(partial, { recursive: true });
      for (const [name, bytes] of files) await writeFile(join(partial, name), bytes);
      await openStaticBackend({ path: partial });
      stop.throwIfAborted();
      return parseStaticSpaceFile(new TextDecoder().decode(files.get('space.json')), join(out, 'space.json'));
    });
  } catch (error) {
    if (stop.aborted) throw new StoppedError('stopped; nothing was written: the same command starts again');
    throw error;
  }
}

interface TeachOptions extends Omit<DistillModelOptions, 'out' | 'textsPath'> {
  readonly texts: readonly string[];
  readonly modelId: string;
}

async function teach({
  source,
  dimension,
  texts,
  precision,
  modelId,
  stop,
  onProgress,
}: TeachOptions): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const folder = await openModelFolder(source);
  const tokenizerJson = await readFile(join(source, 'tokenizer.json'), 'utf8');
  const backend = await openOnnxBackend({ folder });
  try {
    const table = await distill({
      backend,
      tokenizerJson,
      dimension,
      texts,
      signal: stop,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const { modelId: teacher, fingerprint: space } = folder.space;
    return await staticModelFiles({
      modelId,
      tokenizerJson,
      table,
      precision,
      teacher: {
        modelId: teacher,
        space,
        recipe: { variant: backend.variant.name, dimension, texts: texts.length, truncatedTexts: table.truncatedTexts },
      },
    });
  } finally {
    await backend.close();
  }
}
