import { Option, type Command } from 'commander';
import { resolve } from 'node:path';
import type { CommandContext } from '../console/command-context.js';
import { createCommand, withJson } from '../console/create-command.js';
import { EXIT } from '../console/exit-code.js';
import { printable } from '../console/printable.js';
import { lightModelPath, MODEL_OPTION, modelPath } from '../models/default-model.js';
import { SHIPPED_MODELS } from '../models/shipped-models.js';
import type { Finding, FindingState } from '../doctor/finding.js';

/** Names of what a model can be taken for (doctor/model-findings.ts), which is loaded with the backends only when it is needed. */
const LIKE = ['bge-m3', 'all-MiniLM-L6-v2', 'multilingual-e5-small'] as const;

interface DoctorOptions {
  readonly model?: string;
  readonly all?: true;
  readonly like?: (typeof LIKE)[number];
  readonly database?: string;
  readonly json?: true;
}

export function doctorCommand(context: CommandContext): Command {
  const command = createCommand(context, 'doctor', {
    summary: 'what runs here, what does not, and what to do',
    description: [
      'Looks at the machine, the native runtime, the model on every backend with its probes, the light model, the database and the environment. Nothing is changed.',
      '--like bge-m3 is the check before a migration: 1024 numbers, 8192 tokens, three heads. Ends with 2 where something does not work.',
    ].join('\n'),
    examples: ['doctor', 'doctor --model ./models/bge-m3-onnx --like bge-m3', 'doctor --all --json'],
  });
  return withJson(command)
    .option(...MODEL_OPTION)
    .option('--all', 'every model folder in ./models and of those that come with Kimera')
    .addOption(new Option('--like <name>', 'what the model is taken for').choices(LIKE))
    .option('--database <url>', 'postgres://…, or a folder (default: $DATABASE_URL, or ./data)')
    .action(async ({ model, all, like, database, json }: DoctorOptions) => {
      const { configurationProblems, parseConfiguration } = await import('@kimera/api');
      const { machineFindings } = await import('../doctor/machine-findings.js');
      const { runtimeFindings } = await import('../doctor/runtime-findings.js');
      const { environmentFindings } = await import('../doctor/environment-findings.js');
      const { databaseFindings } = await import('../doctor/database-findings.js');
      const findings: Finding[] = [];
      const say = async (found: readonly Finding[]): Promise<void> => {
        findings.push(...found);
        if (json !== true) for (const finding of found) await context.stdout.line(line(context, finding));
      };
      const { environment, folder } = context;
      // With a variable that cannot be used, what the defaults would do is still worth knowing.
      const configuration = parseConfiguration(configurationProblems(environment, folder).length === 0 ? environment : {}, folder);
      await say(machineFindings());
      await say(environmentFindings(environment, folder));
      await say(await runtimeFindings(configuration));
      await say(await databaseFindings(location(folder, database ?? environment['DATABASE_URL'] ?? './data')));
      const { TAKEN_FOR, testModels } = await import('../doctor/model-findings.js');
      const expected = like === undefined ? {} : (TAKEN_FOR[like] ?? {});
      const tests = [];
      for (const path of all === true ? await allModels(folder) : model === undefined ? new Set([modelPath(context, undefined), lightModelPath(context)]) : [modelPath(context, model)]) {
        for await (const { finding, test } of testModels({ path, configuration, expected, stop: context.stop })) {
          await say([finding]);
          if (test !== undefined) tests.push({ path, ...test });
        }
      }
      const problems = findings.filter(({ state }) => state === 'problem').length;
      if (json === true) await context.stdout.json({ healthy: problems === 0, findings, models: tests });
      else await context.stdout.line(problems === 0 ? context.colors.green('everything that was looked at works') : context.colors.red(`${problems} of ${findings.length} ${problems === 1 ? 'does' : 'do'} not work`));
      if (problems > 0) context.finish(EXIT.refused);
    });
}

function location(folder: string, database: string): string {
  return /^postgres(ql)?:\/\//.test(database) ? database : resolve(folder, database);
}

async function allModels(folder: string): Promise<readonly string[]> {
  const { findModels } = await import('../models/find-models.js');
  return (await findModels([resolve(folder, 'models'), SHIPPED_MODELS], 'may be absent')).map(({ path }) => path);
}

function line({ colors }: CommandContext, { area, what, state, value, advice }: Finding): string {
  const mark: Readonly<Record<FindingState, string>> = { fine: colors.green('ok'), note: colors.yellow('--'), problem: colors.red('NO') };
  const reason = advice === undefined || (state === 'fine' && area !== 'environment') ? '' : `\n     ${printable(advice)}`;
  return `${mark[state]}  ${area}: ${what}: ${printable(value)}${reason}`;
}
