import { shortFingerprint } from '@kimera/core';
import type { Verification } from '@kimera/migration';
import type { Report } from './report.js';

/** What changed, the figures, and how to go back, as a page of docs/. */
export function summaryMarkdown(report: Report): string {
  const { journey, machine, models } = report;
  const [old, next] = models;
  const { quality, gate, thresholds } = journey.verification;
  return `# Migration summary

Made by \`npx nx run migration-tests:summary\` from the report of ${report.date.slice(0, 10)} (\`${report.command}\`, ${report.seconds.toFixed(0)} s, ${report.passed} checks hold, ${report.failed} do not).
Machine: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGigabytes} GB, ${machine.system}, node ${machine.node}, ${Object.entries(
    machine.versions,
  )
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}.

## What changed
${table(
  ['', 'before', 'after'],
  [
    ['model', old?.modelId ?? '', next?.modelId ?? ''],
    ['space', `\`${shortFingerprint(old?.space ?? '')}\``, `\`${shortFingerprint(next?.space ?? '')}\``],
    ['numbers a vector', String(old?.dimension), String(next?.dimension)],
    ['limit in tokens', String(old?.maxTokens), String(next?.maxTokens)],
    ['variant', old?.variant ?? '', next?.variant ?? ''],
    [
      'texts/s (batch)',
      String(Math.round(old?.speed.textsPerSecond ?? 0)),
      String(Math.round(next?.speed.textsPerSecond ?? 0)),
    ],
    ['one question, p50 / p95 ms', latency(old), latency(next)],
    [
      'peak memory of a process, MB',
      String(Math.round(old?.speed.peakMegabytes ?? 0)),
      String(Math.round(next?.speed.peakMegabytes ?? 0)),
    ],
  ],
)}

## Quality
nDCG@10 of the sentence that answers a question, among the sentences of a language (XQuAD-R, ${journey.before[0]?.questions} questions a language).

${table(
  ['questions → sentences', 'before', 'after'],
  journey.before.map(({ from, to, ndcg }, i) => [
    `${from} → ${to}`,
    ndcg.toFixed(4),
    journey.after[i]?.ndcg.toFixed(4) ?? '',
  ]),
)}

The gate, all languages mixed, through SQL: ${quality?.source.toFixed(4)} → ${quality?.target.toFixed(4)} over ${quality?.queries} questions; mean difference ${gate?.meanDifference.toFixed(4)}, 5th to 95th percentile ${gate?.p5.toFixed(4)} to ${gate?.p95.toFixed(4)}, margin ${gate?.margin}, seed ${gate?.seed}: **${journey.verification.verdict}**, ${journey.verification.reason}.

Similarity thresholds that let through the same share of best hits: ${thresholds.map(({ share, source, target }) => `${(share * 100).toFixed(0)} %: ${source.toFixed(3)} → ${target.toFixed(3)}`).join('; ')}.

## The migration
${journey.rows} rows; backfill ${journey.backfillSeconds.toFixed(0)} s with one worker beside reader and writer, one SIGKILL included. ${journey.traffic.searches} searches (p50 ${journey.traffic.p50Milliseconds.toFixed(0)} ms, p95 ${journey.traffic.p95Milliseconds.toFixed(0)} ms), ${journey.traffic.edits} edits, ${journey.traffic.inserts} inserts, ${journey.traffic.deletes} deletes, ${journey.traffic.errors.length} errors.
Writers waited ${journey.cutover.blockedMilliseconds.toFixed(0)} ms at the cutover and ${journey.rollback.blockedMilliseconds.toFixed(0)} ms at the rollback; after it every old vector of an unchanged row was byte-equal.

## What the gates refuse
${table(['migration', 'verdict', 'why'], [verdictRow('multilingual-e5-small → all-MiniLM-L6-v2', report.reverse), verdictRow('vectors of the other model under the right fingerprint', report.swap), ...(report.cranfield === null ? [] : [verdictRow('Cranfield (English only), all-MiniLM-L6-v2 → multilingual-e5-small', report.cranfield)])])}

## Under kills and restarts
20,000 rows, 30 SIGKILLs and two restarts of PostgreSQL under writers and readers (\`npx nx run migration-tests:stress\`): [benchmarks/results/2026-11-30-migration-stress.md](../benchmarks/results/2026-11-30-migration-stress.md); 200,000 rows: [2026-11-30-migration-stress-200k.md](../benchmarks/results/2026-11-30-migration-stress-200k.md).

## How to go back
Until \`kimera migrate retire\`: \`kimera migrate rollback --database … --collection …\`. docs/migration-guide.md has the procedure.
`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function latency(model: Report['models'][number] | undefined): string {
  return `${model?.speed.p50Milliseconds.toFixed(1)} / ${model?.speed.p95Milliseconds.toFixed(1)}`;
}

function verdictRow(migration: string, { verdict, reason }: Verification): readonly string[] {
  return [migration, `**${verdict}**`, reason.replaceAll('|', '/').replaceAll('\n', ' ')];
}
