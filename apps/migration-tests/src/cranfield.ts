import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JudgedQuery } from '@kimera/migration';
import type { Row } from '@kimera/core';
import { z } from 'zod';
import { readLines } from './corpus.js';

export interface Cranfield {
  readonly rows: readonly Row[];
  readonly queries: readonly JudgedQuery[];
}

const documentSchema = z.object({ _id: z.string(), text: z.string() });
const querySchema = z.object({ _id: z.string(), text: z.string() });

/**
 * BEIR's layout: corpus.jsonl, queries.jsonl, qrels.tsv (query, document, grade). The texts begin with their titles.
 */
export async function readCranfield(folder: string): Promise<Cranfield> {
  const documents = await readLines(join(folder, 'corpus.jsonl'), documentSchema);
  const judgements = new Map<string, Record<string, number>>();
  for (const line of (await readFile(join(folder, 'qrels.tsv'), 'utf8')).trim().split('\n').slice(1)) {
    const [query = '', document = '', grade = '0'] = line.split('\t');
    if (Number(grade) > 0) judgements.set(query, { ...judgements.get(query), [document]: Number(grade) });
  }
  const queries = await readLines(join(folder, 'queries.jsonl'), querySchema);
  return {
    rows: documents.map(({ _id, text }) => ({ id: _id, text })),
    queries: queries.flatMap(({ _id, text }) => {
      const relevant = judgements.get(_id);
      return relevant === undefined ? [] : [{ id: _id, text, relevant }];
    }),
  };
}
