import type { MigrationPlan } from '@kimera/migration';
import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { UsageError } from '../../errors.js';
import { formatBytes, formatCount, formatDuration } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { deltaOption } from './delta.js';
import { inPlaceLines, readInPlacePlan } from './in-place-plan.js';
import { modelCommand, type ModelOptions } from './options.js';
import { printState } from './state.js';

export function planCommand(context: CommandContext): Command {
  return modelCommand(context, 'plan', {
    summary: 'what a migration will take',
    description:
      'Rows, tokens, texts that will be cut, disk, time on this machine (measured on a sample), and the judged queries that the gate needs. The loss that counts as none (--delta) is fixed here for the whole migration. Records the migration as planned; no vector is written. --dry-run records nothing.',
    examples: [
      'migrate plan --database ./data --collection docs --to kimera/all-MiniLM-L6-v2-static',
      'migrate plan --collection docs --to kimera/all-MiniLM-L6-v2-static --dry-run --json',
    ],
  })
    .option('--dry-run', 'measure only')
    .addOption(deltaOption('a loss of mean nDCG@10 up to this counts as none, in every verification (default: 0.02)'))
    .action(async ({ delta, ...options }: ModelOptions & { readonly dryRun?: true; readonly delta?: number }) => {
      if (options.to === undefined)
        throw new UsageError(
          '--to is missing: the new model, by its id as "kimera models list" prints it, or by its folder',
        );
      const [{ measurePlan, planMigration }, { openSession }] = await Promise.all([
        import('@kimera/migration'),
        import('./session.js'),
      ]);
      const { parts, store, close } = await openSession(context, options, 'plan');
      try {
        const asked = delta === undefined ? {} : { margin: delta };
        const plan =
          options.dryRun === true ? await measurePlan(parts, asked) : (await planMigration(parts, asked)).plan;
        const inPlace = await readInPlacePlan(store, options.collection, parts.target.space);
        if (options.json !== true) {
          const { formatTable } = await import('../../console/table.js');
          const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
          const sides = [
            ['model', printable(plan.source.modelId), printable(plan.target.modelId)],
            ['numbers a vector', String(plan.source.dimension), String(plan.target.dimension)],
            ['limit in tokens', formatCount(plan.source.maxTokens), formatCount(plan.target.maxTokens)],
            ['tokens a row', plan.source.tokensPerRow.toFixed(1), plan.target.tokensPerRow.toFixed(1)],
            ['texts that are cut', percent(plan.source.truncatedShare), percent(plan.target.truncatedShare)],
          ];
          await context.stdout.line(
            formatTable([`${formatCount(plan.rows)} rows (${plan.sampledRows} sampled)`, 'NOW', 'THEN'], sides),
          );
          await context.stdout.line(
            `about ${formatCount(plan.tokens)} tokens, ${formatDuration(plan.seconds * 1000)} with one worker here (${plan.rowsPerSecond.toFixed(0)} rows/s), ${formatBytes(plan.bytes)} more on disk${plan.freeBytes === null ? '' : ` (${formatBytes(plan.freeBytes)} free)`}`,
          );
          for (const line of gateLines(plan)) await context.stdout.line(line);
          if (inPlace !== null) for (const line of inPlaceLines(inPlace)) await context.stdout.line(line);
          for (const side of [plan.source, plan.target])
            if (side.cannotEmbed.length > 0)
              context.note(
                `kimera: ${side.cannotEmbed.length} of the sampled rows cannot be embedded by ${side.modelId}: ${side.cannotEmbed.slice(0, 5).join(', ')}`,
              );
        }
        if (options.dryRun !== true) {
          await printState(context, store, options, { plan, inPlace });
          return;
        }
        if (options.json === true) await context.stdout.json({ plan, inPlace });
      } finally {
        await close();
      }
    });
}

function gateLines({
  margin,
  judgedQueries,
  judgedQueriesOfHalf,
  judgedQueriesAtOneLook,
  leastQueries,
}: MigrationPlan): readonly string[] {
  const [half, most, atOneLook] = [judgedQueriesOfHalf, judgedQueries, judgedQueriesAtOneLook].map((count) =>
    formatCount(count),
  );
  return [
    `verify: a loss of mean nDCG@10 up to ${margin} counts as none (--delta, fixed for this migration)`,
    `  equally good models (σ 0.3) get GO by ${half} judged queries in half of the migrations, by ${most} in 85 %; fewer where they differ, never below ${leastQueries}`,
    `  queries may be added as often as you like; a test that is asked only once would need ${atOneLook}: the difference is the price`,
    '  without a decision, verify --accept "why" goes on',
  ];
}
