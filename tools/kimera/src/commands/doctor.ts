import { Option, type Command } from 'commander';
import type { CommandContext } from '../console/command-context.js';
import { createCommand, withJson } from '../console/create-command.js';
import { EXIT } from '../console/exit-code.js';
import { printable } from '../console/printable.js';
import type { Finding, FindingState } from '../doctor/finding.js';
import { TAKEN_FOR } from '../doctor/taken-for.js';
import { MODEL_OPTION } from '../models/default-model.js';

interface DoctorOptions {
  readonly model?: string;
  readonly all?: true;
  readonly like?: keyof typeof TAKEN_FOR;
  readonly database?: string;
  readonly json?: true;
}

export function doctorCommand(context: CommandContext): Command {
  const command = createCommand(context, 'doctor', {
    summary: 'what runs here, what does not, and what to do',
    description: [
      'Looks at the machine, the environment, the native runtime, the database, and the model and the light model on every backend with their probes. Nothing is changed.',
      '--like bge-m3 is the check before a migration: 1024 numbers, 8192 tokens, three heads. Ends with 2 where something does not work.',
    ].join('\n'),
    examples: [
      'doctor',
      'doctor --model sentence-transformers/all-MiniLM-L6-v2 --like all-MiniLM-L6-v2',
      'doctor --all --json',
    ],
  });
  return withJson(command)
    .option(...MODEL_OPTION)
    .option('--all', 'every model folder in ./models and of those that come with Kimera')
    .addOption(new Option('--like <name>', 'what the model is taken for').choices(Object.keys(TAKEN_FOR)))
    .option('--database <url>', 'postgres://…, or a folder (default: $DATABASE_URL, or ./data)')
    .action(async ({ model, all, like, database, json }: DoctorOptions) => {
      const { examine } = await import('../doctor/examine.js');
      const say = (finding: Finding): Promise<void> =>
        json === true ? Promise.resolve() : context.stdout.line(line(context, finding));
      const { findings, models } = await examine(context, {
        model,
        models: all === true ? 'all' : 'served',
        like,
        database,
        say,
      });
      const problems = findings.filter(({ state }) => state === 'problem').length;
      if (json === true) await context.stdout.json({ healthy: problems === 0, findings, models });
      else
        await context.stdout.line(
          problems === 0
            ? context.colors.green('everything that was looked at works')
            : context.colors.red(`${problems} of ${findings.length} ${problems === 1 ? 'does' : 'do'} not work`),
        );
      if (problems > 0) context.finish(EXIT.refused);
    });
}

function line({ colors }: CommandContext, { area, what, state, value, advice }: Finding): string {
  const mark: Readonly<Record<FindingState, string>> = {
    fine: colors.green('ok'),
    note: colors.yellow('--'),
    problem: colors.red('NO'),
  };
  const reason =
    advice === undefined || (state === 'fine' && area !== 'environment') ? '' : `\n     ${printable(advice)}`;
  return `${mark[state]}  ${area}: ${what}: ${printable(value)}${reason}`;
}
