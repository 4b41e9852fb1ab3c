import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shippedModel } from '@kimera/serving/shipped-models';
import { StoppedError } from '../errors.js';
import { bgeM3Tokenizer } from '../synthesize/bge-m3-tokenizer.js';
import { synthesizeBgeM3, type SynthesizeOptions } from '../synthesize/synthesize-checkpoint.js';

export interface SynthesizeModelOptions extends Omit<SynthesizeOptions, 'tokenizerJson' | 'signal'> {
  /** Path of a tokenizer.json; default: bge-m3's own, made of the one that ships with multilingual-e5-small. */
  readonly tokenizerPath?: string;
  readonly stop: AbortSignal;
}

/** @throws StoppedError where it was stopped, with nothing left on the disk, and synthesizeBgeM3's errors. */
export async function synthesizeModel({
  tokenizerPath,
  stop,
  ...options
}: SynthesizeModelOptions): Promise<{ readonly bytes: number }> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8');
  const tokenizerJson =
    tokenizerPath === undefined
      ? bgeM3Tokenizer(await read(join(shippedModel('multilingual-e5-small'), 'tokenizer.json')))
      : await read(tokenizerPath);
  try {
    return await synthesizeBgeM3({ ...options, tokenizerJson, signal: stop });
  } catch (error) {
    if (stop.aborted) throw new StoppedError('stopped; nothing was written: the same command starts again');
    throw error;
  }
}
