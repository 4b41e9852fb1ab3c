import type { AdoptionProgress, AdoptionRequest, VectorColumnWriter } from '@kimera/core';
import type { AdoptResult, CandidateModel, VectorProof } from '@kimera/migration';
import type { AdoptedTable } from '@kimera/store-postgres';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { formatCount } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress } from '../../console/progress.js';
import { StoppedError, UsageError } from '../../errors.js';
import { inputPath, modelFolders, resolveModel } from '../../models/resolve-model.js';
import { columnRules } from './column-rules.js';
import { commandLine, DATABASE_OPTION } from './options.js';
import { visitDatabase } from './visit-database.js';

interface AdoptCommandOptions {
  readonly database?: string;
  readonly table: string;
  readonly collection?: string;
  readonly id?: string;
  readonly text?: string;
  readonly tenant?: string;
  readonly vector?: string;
  readonly vectorWriter?: VectorColumnWriter;
  readonly model?: string;
  readonly models?: string;
  readonly reEmbed?: true;
  readonly json?: true;
}

export function adoptCommand(context: CommandContext): Command {
  return withJson(
    createCommand(context, 'adopt', {
      summary: 'make a table of your own a collection',
      description: [
        'Checks the table, proves by embedding a sample again that its vectors are the model’s, adds triggers that queue changes, and copies the vectors.',
        'Your table and its columns stay as they are. Where a check fails nothing is written; stopped while it copies, the same command goes on.',
        '"kimera migrate inspect --table NAME" prints the line for a table. --id, --text, --tenant and --vector are found where they are left out.',
        '',
        'Who writes the column of vectors from now on must be said where there is one:',
        '  --vector-writer application  your application goes on writing it; its values are never changed, and an in-place cutover is refused while it does',
        '  --vector-writer keeper       your application stops writing it; "kimera migrate work --forever" embeds what is new or changed',
      ].join('\n'),
      examples: [
        'migrate adopt --database "$DATABASE_URL" --table documents --vector-writer application --model sentence-transformers/all-MiniLM-L6-v2',
        "migrate adopt --table products --id shop_id,sku --text \"name || ' ' || coalesce(description, '')\" --tenant shop_id --vector embedding --vector-writer keeper --model ./models/mine",
        'migrate adopt --table notes --vector none --model kimera/all-MiniLM-L6-v2-static',
      ],
    }),
  )
    .option(...DATABASE_OPTION)
    .requiredOption('--table <name>', 'the table, with its schema where it needs one')
    .option('--collection <name>', 'name of the collection (default: made of the table’s)')
    .option('--id <columns>', 'columns of the id, with commas between them (default: the primary key)')
    .option(
      '--text <column|sql>',
      'the text to search: a column, or an immutable SQL expression over the row’s columns',
    )
    .option('--tenant <column|none>', 'the column that says whose a row is')
    .option('--vector <column|none>', 'the column of vectors (default: the only one)')
    .addOption(
      new Option('--vector-writer <who>', 'who writes the column of vectors from now on').choices([
        'application',
        'keeper',
      ] satisfies VectorColumnWriter[]),
    )
    .option('--model <model>', 'id or folder of the model that made the vectors')
    .option('--models <dir>', 'where models are looked for, beside ./models and those that ship')
    .option('--re-embed', 'read no stored vector, embed every row')
    .action(async (options: AdoptCommandOptions) => {
      if (options.model === undefined)
        throw new UsageError(
          '--model is missing: the model that made the vectors, or that is to embed the rows; "kimera models list" shows those at hand',
        );
      const more = options.models === undefined ? [] : [await inputPath(context, options.models)];
      const [{ adoptTable }, { openModel }, { findModels }] = await Promise.all([
        import('@kimera/migration'),
        import('../../models/open-model.js'),
        import('../../models/find-models.js'),
      ]);
      const path = await resolveModel(context, options.model, more);
      const others = (await findModels(modelFolders(context, more), 'may be absent')).flatMap(
        (model): readonly CandidateModel[] =>
          'modelId' in model && model.path !== path
            ? [
                {
                  modelId: model.modelId,
                  dimension: model.dimension,
                  open: () => openModel(context, { path: model.path }),
                },
              ]
            : [],
      );
      await visitDatabase(context, options.database, 'may be created', async (store) => {
        const model = await openModel(context, { path });
        const progress = await openProgress(
          context.stderr,
          'copying',
          (done, of) => `${formatCount(done)} of ${formatCount(of)} rows`,
        );
        try {
          const result = await adoptTable({ store: store.adoption, model, others }, requestOf(options), {
            vectors: options.reEmbed === true ? 'embedded' : 'copied',
            signal: context.stop,
            onProgress: ({ copied, queued, rows }) => progress.update(copied + queued, rows),
          });
          progress.stop();
          if (result.ended === 'stopped')
            throw new StoppedError(
              `stopped after ${formatCount(result.progress.copied)} vectors were copied; changes are captured already; run the same command again to go on`,
            );
          await print(context, options, result, await store.adoption.adopted(result.adoption.collection));
        } finally {
          progress.stop();
          await model.close();
        }
      });
    });
}

function requestOf({
  table,
  collection,
  id,
  text,
  tenant,
  vector,
  vectorWriter,
}: AdoptCommandOptions): AdoptionRequest {
  const orNone = (column: string): string | null => (column === 'none' ? null : column);
  return {
    table,
    ...(collection === undefined ? {} : { collection }),
    ...(id === undefined ? {} : { id: id.split(',').map((column) => column.trim()) }),
    ...(text === undefined ? {} : { text }),
    ...(tenant === undefined ? {} : { tenant: orNone(tenant) }),
    ...(vector === undefined ? {} : { vector: orNone(vector) }),
    ...(vectorWriter === undefined ? {} : { vectorWriter }),
  };
}

async function print(
  context: CommandContext,
  { database, json }: AdoptCommandOptions,
  { adoption, proof, progress }: AdoptResult,
  adopted: AdoptedTable,
): Promise<void> {
  const { collection, table, id, text, tenant, vector } = adoption;
  if (json === true) return context.stdout.json({ collection, table, id, text, tenant, vector, proof, progress });
  const lines = [
    ...(proof === null || vector === null ? [] : proofLines(proof, vector.column)),
    copyLine(progress),
    `collection ${collection}: table ${table}, id ${id.join(', ')}, text ${text}${tenant === null ? '' : `, tenant ${tenant}`}`,
    ...(adopted.vector === null ? [] : await columnRules(adopted.vector, adopted.migration, adopted.observed)),
    `next: ${commandLine('work', database, [['--collection', collection]])} --forever  (embeds what waits and what changes; as many processes as you like)`,
    `  or: ${commandLine('plan', database, [
      ['--collection', collection],
      ['--to', 'MODEL'],
    ])}`,
    `  or: ${commandLine('unadopt', database, [['--collection', collection]])}  (takes everything of this program off the table)`,
  ];
  for (const line of lines) await context.stdout.line(printable(line));
}

function proofLines(
  { rows, agreeing, worstCosine, mostBad, notNormalised, truncated }: VectorProof,
  column: string,
): readonly string[] {
  return [
    `${formatCount(agreeing)} of ${formatCount(rows)} sampled rows, embedded again, agree with ${column} (cosine at least ${worstCosine.toFixed(6)}): at 95 %, at most ${(mostBad * 100).toFixed(1)} % of all are of another model or text`,
    ...(notNormalised === 0
      ? []
      : [`  ${formatCount(notNormalised)} of them have another length than 1: accepted, searches compare directions`]),
    ...(truncated === 0
      ? []
      : [
          `  ${formatCount(truncated)} of the sampled texts are longer than the model's limit: their vectors are of their beginning`,
        ]),
  ];
}

function copyLine({ copied, truncated, queued, unreadable }: AdoptionProgress): string {
  const cut =
    truncated === 0
      ? ''
      : ` (${formatCount(truncated)} of texts longer than the model's limit: they are of a part of them)`;
  const broken =
    unreadable === 0 ? '' : `, ${formatCount(unreadable)} of them with a value that is no vector of the model`;
  return `${formatCount(copied)} vectors copied${cut}, ${formatCount(queued)} rows wait to be embedded${broken}`;
}
