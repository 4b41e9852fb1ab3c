import type { AdoptedTable, TableInspection } from '@kimera/store-postgres';
import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand, withJson } from '../../console/create-command.js';
import { formatBytes, formatCount } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { modelFolders } from '../../models/resolve-model.js';
import { columnRules } from './column-rules.js';
import { commandLine, DATABASE_OPTION } from './options.js';
import { visitDatabase } from './visit-database.js';

interface InspectOptions {
  readonly database?: string;
  readonly table: string;
  readonly json?: true;
}

export function inspectTableCommand(context: CommandContext): Command {
  return withJson(
    createCommand(context, 'inspect', {
      summary: 'look at a table of your own, and how to adopt it',
      description: [
        'Prints what the catalog says about the table: keys, texts, columns of vectors, and what depends on them; and the "migrate adopt" line to run.',
        'Tables of LangChain, LlamaIndex, Supabase, Django and Prisma are recognised. The table is not changed.',
      ].join('\n'),
      examples: [
        'migrate inspect --database "$DATABASE_URL" --table documents',
        'migrate inspect --table langchain_pg_embedding --json',
      ],
    }),
  )
    .option(...DATABASE_OPTION)
    .requiredOption('--table <name>', 'the table, with its schema where it needs one')
    .action(async ({ database, table, json }: InspectOptions) => {
      await visitDatabase(context, database, 'must exist', async (store) => {
        const inspection = await store.adoption.inspect(table);
        const lines = adoptLines(database, inspection, await modelsOf(context, inspection));
        if (json === true) {
          const { obstacle, ...rest } = inspection;
          await context.stdout.json({
            ...rest,
            obstacle: obstacle === null ? null : { code: obstacle.code, message: obstacle.message },
            adopt: lines,
          });
          return;
        }
        for (const line of [...(await describe(inspection)), ...nextSteps(inspection, lines, database)])
          await context.stdout.line(printable(line));
      });
    });
}

/** Models at hand whose vectors have as many numbers as the column's. */
async function modelsOf(context: CommandContext, { table, proposal }: TableInspection): Promise<readonly string[]> {
  const dimension = table.vectorColumns.find(({ column }) => column === proposal.vector)?.dimension ?? null;
  const { findModels } = await import('../../models/find-models.js');
  const models = await findModels(modelFolders(context), 'may be absent');
  const fitting = models.flatMap((model) =>
    'modelId' in model && (dimension === null || model.dimension === dimension) ? [model.modelId] : [],
  );
  return [...new Set(fitting)];
}

async function describe({ table, proposal, adopted }: TableInspection): Promise<readonly string[]> {
  const partitions = table.partitions > 0 ? `, ${formatCount(table.partitions)} partitions` : '';
  const shape = proposal.shape === 'no framework' ? '' : `, as ${proposal.shape} makes it`;
  const list = (label: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : [`  ${label.padEnd(13)}${names.join(', ')}`];
  const keys = table.uniqueKeys.map(
    ({ columns, isPrimary, obstacle }) =>
      `(${columns.map((name) => `${name} ${typeOf(table, name)}`).join(', ')})${isPrimary ? ' primary key' : ''}${obstacle === null ? '' : `, ${obstacle}`}`,
  );
  return [
    `${table.title}: ${table.kind}${partitions}${shape}; ${table.rows.isExact ? '' : 'about '}${formatCount(table.rows.count)} rows, ${formatBytes(table.bytes)} with its indexes`,
    ...list('unique', keys),
    ...list(
      'texts',
      proposal.textCandidates.map((name) => `${name} ${typeOf(table, name)}`),
    ),
    ...list(
      'vectors',
      table.vectorColumns.map(({ column, type }) => `${column} ${type}`),
    ),
    ...list(
      'indexes',
      table.indexes.map(({ name, bytes }) => `${name} (${formatBytes(bytes)})`),
    ),
    ...list('triggers', table.triggers),
    ...list(
      'policies',
      table.rowSecurity === 'off' ? [] : [`row-level security ${table.rowSecurity}`, ...table.policies],
    ),
    ...list('publications', table.publications),
    ...list('read by', [...table.views, ...table.functions]),
    ...list('referred to', table.referencedBy),
    ...list('your rights', [`${table.rights.join(', ')} as ${table.role}`]),
    ...(adopted === null ? [] : await describeAdopted(adopted)),
  ];
}

async function describeAdopted({
  collection,
  vector,
  migration,
  progress,
  observed,
}: AdoptedTable): Promise<readonly string[]> {
  return [
    `  collection   ${collection}${migration === null ? '' : `, its migration is ${migration}`}`,
    ...(progress === null
      ? []
      : [
          `  adoption     ${progress.finished ? 'finished' : 'under way'}: ${formatCount(progress.copied)} vectors copied, ${formatCount(progress.queued)} rows queued`,
        ]),
    ...(vector === null ? [] : await columnRules(vector, migration, observed)),
  ];
}

function typeOf({ columns }: TableInspection['table'], name: string): string {
  return columns.find((column) => column.name === name)?.type ?? '';
}

/** What to run: one line, or two where a person has to say who writes the vectors. */
function adoptLines(
  database: string | undefined,
  { table, proposal, obstacle, adopted }: TableInspection,
  models: readonly string[],
): readonly string[] {
  if (obstacle !== null || adopted !== null) return [];
  const { id, text, tenant, vector } = proposal;
  const severalVectors = vector === null && table.vectorColumns.length > 1;
  const line = (writer: readonly string[]): string =>
    commandLine('adopt', database, [
      ['--table', table.title],
      ['--id', id.join(',')],
      ['--text', text ?? 'TEXT'],
      ...(tenant === null ? [] : [['--tenant', tenant] as const]),
      ...(vector === null && !severalVectors ? [] : [['--vector', vector ?? 'VECTOR'] as const]),
      ...writer.map((name) => ['--vector-writer', name] as const),
      ['--model', models.length === 1 ? (models[0] ?? 'MODEL') : 'MODEL'],
    ]);
  return vector === null && !severalVectors ? [line([])] : [line(['application']), line(['keeper'])];
}

function nextSteps(
  { table, proposal, obstacle, adopted }: TableInspection,
  lines: readonly string[],
  database: string | undefined,
): readonly string[] {
  if (adopted !== null)
    return [
      `next: ${commandLine(adopted.progress?.finished === false ? 'adopt' : 'plan', database, [['--collection', adopted.collection]])}`,
    ];
  if (obstacle !== null) return [`cannot be adopted: ${obstacle.message}`];
  const [application = '', keeper] = lines;
  return [
    ...(proposal.text === null
      ? [`TEXT is one of: ${proposal.textCandidates.join(', ')}; or an SQL expression over the columns`]
      : []),
    ...(application.includes('--vector VECTOR')
      ? [`VECTOR is one of: ${table.vectorColumns.map(({ column }) => column).join(', ')}`]
      : []),
    ...(application.endsWith('--model MODEL')
      ? [
          'MODEL is the model that made the vectors; "kimera models list" shows those at hand, and adopt names the one that fits',
        ]
      : []),
    ...(keeper === undefined
      ? [`next: ${application}`]
      : [
          `next, where your application goes on writing ${proposal.vector ?? 'the vectors'}:`,
          `  ${application}`,
          'or, where the keeper is to write it from now on:',
          `  ${keeper}`,
        ]),
  ];
}
