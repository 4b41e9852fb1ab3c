import { shortFingerprint, type EmbeddingSpace, type FoundRow, type TextEmbedder } from '@kimera/core';
import type { Embedder } from '@kimera/embedder';
import type { Command } from 'commander';
import type { CommandContext } from '../console/command-context.js';
import { printable } from '../console/printable.js';
import { wholeNumber } from '../console/whole-number.js';
import { UsageError } from '../errors.js';
import { inputPath, modelFolders } from '../models/resolve-model.js';
import { openDatabase } from './migrate/database.js';
import { databaseCommand, type DatabaseOptions } from './migrate/options.js';

/** Of one search: what a terminal shows. */
const MAX_HITS = 1_000;
const USUAL_HITS = 10;
const TEXT_WIDTH = 80;

interface SearchCommandOptions extends DatabaseOptions {
  readonly limit: number;
  readonly tenant?: string;
  readonly fresh?: true;
  readonly exact?: true;
  readonly models?: string;
}

export function searchCommand(context: CommandContext): Command {
  return databaseCommand(context, 'search', {
    summary: 'the rows of a collection nearest to a query',
    description: [
      'Embeds the query with the model of the collection’s active space, as a query, and prints the nearest rows, best first:',
      'score (cosine), id, and the beginning of the text. A row whose text changed and is not embedded again yet is marked stale.',
      'By an index of the database (HNSW, IVFFlat) where there is one; without, every vector is looked at.',
    ].join('\n'),
    examples: [
      'search --collection docs "how do I reset my password"',
      'search --database "$DATABASE_URL" --collection docs --tenant acme --limit 3 --json "open invoices"',
    ],
  })
    .argument('<query>', 'a text')
    .option('--limit <rows>', `rows at most, up to ${MAX_HITS}`, wholeNumber('--limit', MAX_HITS), USUAL_HITS)
    .option('--tenant <tenant>', 'rows of this tenant alone')
    .option('--fresh', 'leave out rows whose present text is not embedded yet')
    .option('--exact', 'look at every vector, also where there is an index')
    .option('--models <dir>', 'where the model is looked for, beside ./models and those that ship')
    .action(async (query: string, options: SearchCommandOptions) => {
      if (query === '') throw new UsageError('the query is empty');
      const folders = modelFolders(
        context,
        options.models === undefined ? [] : [await inputPath(context, options.models)],
      );
      const { searchCollection } = await import('@kimera/migration');
      const { openModelOfSpace } = await import('../models/open-model-of-space.js');
      const opened: Embedder[] = [];
      const modelOf = async (space: EmbeddingSpace): Promise<TextEmbedder> => {
        const embedder = await openModelOfSpace(context, folders, space);
        opened.push(embedder);
        return embedder;
      };
      const { collection, database, limit, tenant, fresh, exact } = options;
      const store = await openDatabase(context, database);
      try {
        const { hits, space, scan, truncated } = await searchCollection({ store, collection, modelOf }, query, {
          ...{ limit, tenant, text: 'with', signal: context.stop },
          rows: fresh === true ? 'fresh' : 'all',
          scan: exact === true ? 'exact' : 'index',
        });
        const modelId = opened.at(-1)?.space.modelId ?? '';
        if (options.json === true) await context.stdout.json({ collection, modelId, space, scan, truncated, hits });
        else
          await print(
            context,
            hits,
            `${scan === 'exact' ? 'exact' : 'by an index'}, in space ${shortFingerprint(space)} of ${printable(modelId)}`,
          );
        if (truncated) context.note('kimera: the query is longer than the model’s limit: its beginning was searched');
      } finally {
        await Promise.all(opened.map((embedder) => embedder.close()));
        await store.close();
      }
    });
}

async function print({ stdout }: CommandContext, hits: readonly FoundRow[], how: string): Promise<void> {
  if (hits.length === 0) {
    await stdout.line(`no row; ${how}`);
    return;
  }
  const { cell, formatTable } = await import('../console/table.js');
  const rows = hits.map(({ id, score, stale, text = '' }) => [
    score.toFixed(4),
    cell(id),
    stale ? 'stale' : '',
    cell(text, TEXT_WIDTH),
  ]);
  await stdout.line(formatTable(['score', 'id', '', 'text'], rows, [0]));
  await stdout.line(how);
}
