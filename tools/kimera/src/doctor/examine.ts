import { configurationProblems, parseConfiguration } from '@kimera/serving';
import type { ModelTest } from '@kimera/embedder';
import type { CommandContext } from '../console/command-context.js';
import { lightModelPath, modelPath } from '../models/default-model.js';
import { findModels } from '../models/find-models.js';
import { modelFolders } from '../models/resolve-model.js';
import { databaseFindings } from './database-findings.js';
import { environmentFindings } from './environment-findings.js';
import type { Finding } from './finding.js';
import { machineFindings } from './machine-findings.js';
import { testModels } from './model-findings.js';
import { runtimeFindings } from './runtime-findings.js';
import { TAKEN_FOR } from './taken-for.js';

export interface ExamineOptions {
  /** A model folder; default: the one that would be served, and the light model. */
  readonly model: string | undefined;
  readonly models: 'served' | 'all';
  readonly like: keyof typeof TAKEN_FOR | undefined;
  /** As the store takes it; default: DATABASE_URL, or ./data. */
  readonly database: string | undefined;
  /** Called with each finding as it is made. */
  readonly say: (finding: Finding) => Promise<void>;
}

export interface Examination {
  readonly findings: readonly Finding[];
  /** Of the models that could be opened. */
  readonly models: readonly (ModelTest & { readonly path: string })[];
}

/** Looks at everything, one after the other, and changes nothing. */
export async function examine(
  context: CommandContext,
  { model, models, like, database, say }: ExamineOptions,
): Promise<Examination> {
  const { environment, folder, stop } = context;
  const findings: Finding[] = [];
  const keep = async (found: readonly Finding[]): Promise<void> => {
    findings.push(...found);
    for (const finding of found) await say(finding);
  };
  // With a variable that cannot be used, what the defaults would do is still worth knowing.
  const isUsable = configurationProblems(environment).length === 0;
  const configuration = parseConfiguration(isUsable ? environment : {}, folder);
  await keep(machineFindings());
  await keep(environmentFindings(environment));
  if (!isUsable)
    await keep([
      {
        area: 'environment',
        what: 'variables',
        state: 'note',
        value: 'what follows was tried with the defaults of all of them',
        advice: 'since one cannot be used',
      },
    ]);
  await keep(await runtimeFindings(configuration));
  await keep(await databaseFindings(database ?? environment['DATABASE_URL'] ?? './data', { environment, folder }));
  const served = await modelPath(context, model);
  const expected = {
    ...(configuration.dimension === undefined ? {} : { dimension: configuration.dimension }),
    ...(like === undefined ? {} : TAKEN_FOR[like]),
  };
  const paths =
    models === 'all'
      ? (await findModels(modelFolders(context), 'may be absent')).map(({ path }) => path)
      : model === undefined
        ? [...new Set([served, lightModelPath(context)])]
        : [served];
  const tests: Examination['models'][number][] = [];
  for (const path of paths) {
    for (const { finding, test } of await testModels({
      path,
      configuration,
      expected: path === served ? expected : {},
      stop,
    })) {
      await keep([finding]);
      if (test !== undefined) tests.push({ path, ...test });
    }
  }
  return { findings, models: tests };
}
