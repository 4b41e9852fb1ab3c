import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';

/** A pair of sentences and how alike people found them, 0 to 5. */
export interface SentencePair {
  readonly first: string;
  readonly second: string;
  readonly score: number;
}

const rows = z.array(z.tuple([z.string(), z.string(), z.coerce.number()]));

/** One file of PhilipMay/stsb-multi-mt, `stsb-LANGUAGE-SPLIT.csv` in `folder`: it is not shipped. */
export async function readSts(
  folder: string,
  language: string,
  split: 'dev' | 'test',
): Promise<readonly SentencePair[]> {
  const text = await readFile(join(folder, `stsb-${language}-${split}.csv`), 'utf8');
  return rows
    .parse(parse(text, { skip_empty_lines: true }))
    .map(([first, second, score]) => ({ first, second, score }));
}
