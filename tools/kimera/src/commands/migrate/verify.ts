import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { JudgedQuery, Verification } from '@kimera/migration';
import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../../console/command-context.js';
import { InvalidQueryLineError } from '../../errors.js';
import { EXIT } from '../../console/exit-code.js';
import { formatCount } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress } from '../../console/progress.js';
import { wholeNumber } from '../../console/whole-number.js';
import { inputPath } from '../../models/resolve-model.js';
import { deltaOption } from './delta.js';
import { modelCommand, type ModelOptions } from './options.js';
import { printState } from './state.js';

interface VerifyCommandOptions extends ModelOptions {
  readonly queries?: string;
  readonly delta?: number;
  readonly seed?: number;
  readonly accept?: string;
  readonly report?: string;
}

const querySchema = z.object({
  id: z.string().optional(),
  text: z.string().min(1),
  relevant: z.union([
    z.array(z.string()).transform((ids) => Object.fromEntries(ids.map((id) => [id, 1]))),
    z.record(z.string(), z.number().positive()),
  ]),
  slice: z.string().optional(),
});

export function verifyMigrationCommand(context: CommandContext): Command {
  return modelCommand(context, 'verify', {
    summary: 'prove that the new space is complete, right and no worse',
    description: [
      'Checks that every row has one vector, embeds sampled rows again, finds rows by their own text, and compares both models on judged queries.',
      'A judged query is a line {"text": "…", "relevant": ["row id", …]}, or {"row id": grade} for relevant; "slice": "…" groups queries.',
      'Each query counts once a migration, by its text. Verify again with more of them as often as you like: the verdict stays as sure as at one look.',
      'At least 30 are needed for a verdict; "migrate plan" says about how many decide where the models are equally good, often two thousand.',
      'Changes that wait are embedded first, for a minute at most. Ends with 0 at GO, 2 at NO-GO, 3 at INCONCLUSIVE (too few judged queries, or none) and where changes still wait.',
      '--accept "why" goes on at INCONCLUSIVE all the same, and the log keeps the words; NO-GO cannot be accepted.',
    ].join('\n'),
    examples: [
      'migrate verify --database ./data --collection docs --queries judged.jsonl',
      'migrate verify --collection docs --accept "looked at 50 searches by hand"',
    ],
  })
    .option('--queries <file>', 'judged queries, one JSON line each')
    .addOption(deltaOption('the loss that counts as none: only that of the plan is taken'))
    .option('--seed <number>', 'of samples and resampling (default: 1)', wholeNumber('--seed'))
    .option('--accept <reason>', 'go on at INCONCLUSIVE; the reason is kept in the log')
    .option('--report <file>', 'write the whole verification as JSON')
    .action(async ({ queries, delta, seed, accept, report, ...options }: VerifyCommandOptions) => {
      const judged = queries === undefined ? [] : await readQueries(await inputPath(context, queries));
      const [{ verifyMigration }, { openSession }] = await Promise.all([
        import('@kimera/migration'),
        import('./session.js'),
      ]);
      const { parts, store, close } = await openSession(context, options, 'go on');
      let step = '';
      const progress = await openProgress(
        context.stderr,
        'verifying',
        (done, total) => `${step}: ${formatCount(done)} of ${formatCount(total)}`,
      );
      try {
        const verification = await verifyMigration(parts, {
          queries: judged,
          signal: context.stop,
          ...(delta === undefined ? {} : { margin: delta }),
          ...(seed === undefined ? {} : { seed }),
          ...(accept === undefined ? {} : { accept }),
          onProgress: (current, done, total) => {
            step = current;
            progress.update(done, total);
          },
        });
        progress.stop();
        if (report !== undefined)
          await writeFile(resolve(context.folder, report), `${JSON.stringify(verification, null, 2)}\n`);
        if (verification.accepted === null && verification.verdict !== 'GO')
          context.finish(verification.verdict === 'NO-GO' ? EXIT.refused : EXIT.stopped);
        if (options.json !== true) await printVerification(context, verification);
        await printState(context, store, options, { verification });
      } finally {
        progress.stop();
        await close();
      }
    });
}

async function printVerification(
  context: CommandContext,
  { checks, verdict, reason, accepted, quality, gate, thresholds }: Verification,
): Promise<void> {
  const { cell, formatTable } = await import('../../console/table.js');
  const { green, red, yellow, bold } = context.colors;
  await context.stdout.line(
    formatTable(
      ['CHECK', 'EXPECTED', 'ACTUAL', 'HOLDS'],
      checks.map((check) => [
        check.name,
        cell(check.expected),
        cell(check.actual, 120),
        check.holds ? green('yes') : red('NO'),
      ]),
    ),
  );
  if (quality !== null && gate !== null) {
    const { look, added, known, changed, repeated, queries } = quality;
    await context.stdout.line(
      `look ${look}: ${added} new queries, ${queries} counted in this migration${known > 0 ? `; ${known} given again were counted before` : ''}${repeated > 0 ? `; ${repeated} were in the file more than once` : ''}`,
    );
    if (changed > 0)
      await context.stdout.line(
        yellow(`${changed} queries have other judgements than when they were counted: what was counted first stands`),
      );
    await context.stdout.line(
      `nDCG@10 over ${queries} queries: ${quality.source.toFixed(4)} → ${quality.target.toFixed(4)}; mean difference ${gate.meanDifference.toFixed(4)} (5th to 95th percentile ${gate.p5.toFixed(4)} to ${gate.p95.toFixed(4)}), margin ${gate.margin}, seed ${gate.seed}`,
    );
    await context.stdout.line(
      `what decides, at p ≤ 0.05 over all looks: not worse than −${gate.margin} p ${shown(gate.notWorse.p)}, worse p ${shown(gate.worse.p)}`,
    );
    const { source: before, target: after } = quality.cut;
    if (before + after > 0)
      await context.stdout.line(
        yellow(
          `${before} queries in the old space and ${after} in the new one were longer than the model's limit and were searched for by what was left of them`,
        ),
      );
    for (const slice of gate.slices)
      await context.stdout.line(
        `  ${printable(slice.slice)}: ${slice.sourceMean.toFixed(4)} → ${slice.targetMean.toFixed(4)} over ${slice.queries}, ${slice.verdict}`,
      );
    await context.stdout.line(
      `thresholds that let through the same share of best hits: ${thresholds.map(({ share, source, target }) => `${(share * 100).toFixed(0)} %: ${source.toFixed(3)} → ${target.toFixed(3)}`).join('; ')}`,
    );
  }
  const paint = verdict === 'GO' ? green : verdict === 'NO-GO' ? red : yellow;
  await context.stdout.line(
    `${bold(paint(verdict))}: ${printable(reason)}${accepted === null ? '' : ` (accepted: ${printable(accepted)})`}`,
  );
}

function shown(p: number): string {
  return p < 0.0001 ? '< 0.0001' : p.toFixed(4);
}

async function readQueries(file: string): Promise<readonly JudgedQuery[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new InvalidQueryLineError(file, i + 1, 'not JSON');
    }
    const parsed = querySchema.safeParse(value);
    if (!parsed.success)
      throw new InvalidQueryLineError(file, i + 1, z.prettifyError(parsed.error).replaceAll('\n', ' '));
    const { id = String(i + 1), text, relevant, slice } = parsed.data;
    return [{ id, text, relevant, ...(slice === undefined ? {} : { slice }) }];
  });
}
