import { createReadStream } from 'node:fs';
import {
  CollectionExistsError,
  SpaceMismatchError,
  UnknownCollectionError,
  shortFingerprint,
  type EmbeddingSpace,
  type Row,
} from '@kimera/core';
import type { PostgresStore } from '@kimera/store-postgres';
import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../../console/command-context.js';
import { InvalidRowLineError, StoppedError } from '../../errors.js';
import { formatCount } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress } from '../../console/progress.js';
import { countLines, readLineBatches, type Line } from '../../lines/read-line-batches.js';
import { MODEL_OPTION, modelPath } from '../../models/default-model.js';
import { inputPath } from '../../models/resolve-model.js';
import { openDatabase } from './database.js';
import { databaseCommand, type DatabaseOptions } from './options.js';

const ROWS_PER_BATCH = 128;
const rowSchema = z.object({ id: z.union([z.string(), z.number()]).transform(String), text: z.string() });

interface InitOptions extends DatabaseOptions {
  readonly model?: string;
  readonly rows?: string;
}

export function initCommand(context: CommandContext): Command {
  return databaseCommand(context, 'init', {
    summary: 'create a collection, and fill it',
    description: [
      'Creates a collection whose vectors are of a model, and embeds rows into it: {"id": …, "text": …} a line.',
      'With --rows on a collection that exists, rows are inserted or replaced; stopped in the middle, run it again.',
    ].join('\n'),
    examples: [
      'migrate init --database ./data --collection docs --model sentence-transformers/all-MiniLM-L6-v2 --rows docs.jsonl',
      'migrate init --collection docs --rows - < docs.jsonl',
    ],
  })
    .option(...MODEL_OPTION)
    .option('--rows <file>', 'rows to embed, - for stdin')
    .action(async ({ database, collection, model, rows, json }: InitOptions) => {
      const rowsPath = rows === undefined || rows === '-' ? undefined : await inputPath(context, rows);
      const { openModel } = await import('../../models/open-model.js');
      const embedder = await openModel(context, { path: await modelPath(context, model) });
      const total = rowsPath === undefined ? undefined : await countLines(rowsPath);
      const progress = await openProgress(context.stderr, 'embedding', (done, of) =>
        total === undefined ? `${formatCount(done)} rows` : `${formatCount(done)} of ${formatCount(of)} rows`,
      );
      try {
        const store = await openDatabase(context, database, 'may be created');
        try {
          await createOrCheck(store, collection, embedder.space, rows);
          let written = 0;
          let truncated = 0;
          if (rows !== undefined) {
            const input = rowsPath === undefined ? context.stdin : createReadStream(rowsPath);
            for await (const lines of readLineBatches(input, ROWS_PER_BATCH)) {
              const batch = lines.map((line, i) => parseRow(line, written + i + 1, written));
              const unique = [...new Map(batch.map((row) => [row.id, row])).values()];
              const embeddings = await embedder.encodeBatch(
                unique.map(({ text }) => text),
                { role: 'document', lane: 'bulk' },
              );
              await store.collections.upsertRows(
                collection,
                unique.flatMap((row, i) => (embeddings[i] === undefined ? [] : [{ ...row, embedding: embeddings[i] }])),
              );
              written += lines.length;
              truncated += embeddings.filter((embedding) => embedding.truncated).length;
              progress.update(written, total ?? Number.POSITIVE_INFINITY);
              if (context.stop.aborted)
                throw new StoppedError(
                  `stopped after ${written} rows, which are in the collection; run the same command again to go on`,
                );
            }
          }
          progress.stop();
          const result = {
            collection,
            modelId: embedder.space.modelId,
            space: embedder.space.fingerprint,
            written,
            truncated,
            rows: await store.collections.countRows(collection),
          };
          if (json === true) {
            await context.stdout.json(result);
            return;
          }
          await context.stdout.line(
            `collection ${collection}: ${formatCount(result.rows)} rows (${formatCount(written)} written) in space ${shortFingerprint(result.space)} of ${printable(result.modelId)}`,
          );
          if (truncated > 0)
            context.note(
              `kimera: ${formatCount(truncated)} texts were cut to ${embedder.space.maxTokens} tokens, the limit of the model`,
            );
        } finally {
          await store.close();
        }
      } finally {
        progress.stop();
        await embedder.close();
      }
    });
}

async function createOrCheck(
  store: PostgresStore,
  name: string,
  space: EmbeddingSpace,
  rows: string | undefined,
): Promise<void> {
  const existing = await store.collections.collection(name).catch((error: unknown) => {
    if (error instanceof UnknownCollectionError) return undefined;
    throw error;
  });
  if (existing === undefined) return store.collections.createCollection(name, space);
  if (rows === undefined) throw new CollectionExistsError(name);
  if (existing.activeSpace !== space.fingerprint)
    throw new SpaceMismatchError(
      existing.activeSpace,
      space.fingerprint,
      `rows for collection ${name} with ${space.modelId}`,
    );
}

function parseRow(line: Line, number: number, written: number): Row {
  if ('problem' in line) throw new InvalidRowLineError(number, line.problem, written);
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch {
    throw new InvalidRowLineError(number, 'not JSON', written);
  }
  const parsed = rowSchema.safeParse(value);
  if (!parsed.success)
    throw new InvalidRowLineError(number, 'expected an object with "id" and "text", a string', written);
  return parsed.data;
}
