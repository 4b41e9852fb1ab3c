import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Embedder } from '@kimera/embedder';
import { Command } from 'commander';
import { Checks } from './checks.js';
import { readCorpus } from './corpus.js';
import { NEW_MODEL, OLD_MODEL, openModel, ROOT } from './models.js';
import { QuestionVectors } from './quality.js';
import { reportHtml } from './report/html.js';
import { describeMachine } from './report/machine.js';
import type { Report } from './report/report.js';
import { summaryMarkdown } from './report/summary.js';
import { playBackendKilled } from './scenarios/backend-killed.js';
import { playConfiguration } from './scenarios/configuration.js';
import { playCranfield } from './scenarios/cranfield.js';
import { ingestPassages, playJourney } from './scenarios/journey.js';
import { playOwnerKilled } from './scenarios/owner-killed.js';
import { playReverse } from './scenarios/reverse.js';
import { playSwap } from './scenarios/swap.js';
import { measureSpeed, type Speed } from './speed.js';
import { sideBySide, type Stage } from './stage.js';

const REPORTS = join(ROOT, 'reports/migration-tests');

const { data } = new Command('migration-tests')
  .description(
    'The whole journey on real models and judged data: ingest, measure, migrate under traffic and kills, verify, cut over, roll back.',
  )
  .option(
    '--data <folder>',
    "a folder with Cranfield in BEIR's layout (corpus.jsonl, queries.jsonl, qrels.tsv): an English-only collection as well",
  )
  .parse()
  .opts<{ readonly data?: string }>();

const started = performance.now();
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const checks = new Checks(print);
const folder = await mkdtemp(join(tmpdir(), 'kimera-migration-tests-'));
// Of the programs that are started: nothing of the run stays in the user's cache.
process.env['KIMERA_CACHE'] = join(folder, 'cache');
process.once('SIGINT', () => process.exit(3));
process.on('exit', () => print(`${checks.passed} passed, ${checks.failed} failed`));

try {
  const corpus = await readCorpus(join(ROOT, 'fixtures/xquad-r'));
  print(
    `${corpus.sentences.length} sentences and ${corpus.questions.length} questions in five languages. About 10 minutes on 2 cores.`,
  );
  const speeds = [await measureSpeed(OLD_MODEL, 256), await measureSpeed(NEW_MODEL, 256)] as const;
  const [minilm, e5] = [await openModel(OLD_MODEL), await openModel(NEW_MODEL)];
  const stage: Stage = {
    checks,
    corpus,
    minilm,
    e5,
    folder,
    minilmQuestions: new QuestionVectors(minilm),
    e5Questions: new QuestionVectors(e5),
    progress: createProgress(),
  };
  try {
    checks.scenario('The models');
    for (const embedder of [minilm, e5]) {
      const { holds, modelId, probes } = await embedder.testModel();
      checks.check(
        `${modelId} gives the vectors of its probes`,
        holds,
        `${probes.length} probes, worst cosine ${Math.min(...probes.map(({ cosine }) => cosine)).toFixed(7)}`,
      );
    }
    // Side by side: one model computes while the other's texts are made into tokens.
    await Promise.all(
      [stage.minilmQuestions, stage.e5Questions].map((vectors) =>
        vectors.embed(corpus.questions, (done) =>
          stage.progress(`questions: ${done} of ${corpus.questions.length} with ${vectors.space.modelId}`),
        ),
      ),
    );
    const [modes, backendKilled, passages] = await sideBySide(stage, playConfiguration, playBackendKilled, (own) =>
      ingestPassages(own, join(folder, 'journey')),
    );
    const { report: journey, ...vectors } = await playJourney(stage, passages);
    // Each has a database of its own, which keeps one core busy.
    const [swap, , reverse] = await sideBySide(
      stage,
      (own) => playSwap(own, join(folder, 'journey')),
      (own) => playOwnerKilled(own, join(folder, 'owner'), vectors),
      (own) => playReverse(own, join(folder, 'reverse'), vectors),
    );
    const cranfield =
      data === undefined
        ? null
        : await playCranfield(stage, join(folder, 'cranfield'), resolve(process.env['INIT_CWD'] ?? '.', data));
    const report: Report = {
      schema: 'kimera-migration-tests/1',
      date: new Date().toISOString(),
      command: `npx nx run migration-tests${data === undefined ? '' : ' --data DIR'}`,
      seconds: (performance.now() - started) / 1000,
      machine: describeMachine(),
      passed: checks.passed,
      failed: checks.failed,
      checks: checks.results,
      models: [
        { embedder: minilm, speed: speeds[0] },
        { embedder: e5, speed: speeds[1] },
      ].map(({ embedder, speed }) => describeModel(embedder, speed)),
      modes,
      backendKilled,
      journey,
      reverse,
      swap,
      cranfield,
    };
    await mkdir(REPORTS, { recursive: true });
    await writeFile(join(REPORTS, 'report.json'), `${JSON.stringify(report, null, 1)}\n`);
    await writeFile(join(REPORTS, 'index.html'), reportHtml(report));
    await writeFile(join(REPORTS, 'summary.md'), summaryMarkdown(report));
    print(`\nreport: ${join(REPORTS, 'index.html')} (${report.seconds.toFixed(0)} s)`);
  } finally {
    await Promise.all([minilm.close(), e5.close()]);
  }
} catch (error) {
  checks.check('the run ends', false, error instanceof Error ? (error.stack ?? error.message) : String(error));
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit(checks.failed === 0 ? 0 : 1);

function describeModel(embedder: Embedder, speed: Speed): Report['models'][number] {
  const { modelId, fingerprint, dimension, maxTokens } = embedder.space;
  return { modelId, space: fingerprint, variant: embedder.getPerformanceStats().variant, dimension, maxTokens, speed };
}

/** On a terminal a line that replaces itself; else one line in ten seconds. */
function createProgress(): (line: string) => void {
  let last = 0;
  return (line) => {
    const now = performance.now();
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K  ${line}`);
    else if (now - last > 10_000) process.stderr.write(`  … ${line}\n`);
    if (process.stderr.isTTY || now - last > 10_000) last = now;
  };
}
