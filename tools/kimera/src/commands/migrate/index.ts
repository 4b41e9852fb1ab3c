import type { Command } from 'commander';
import type { CommandContext } from '../../console/command-context.js';
import { createCommand } from '../../console/create-command.js';
import { adoptCommand } from './adopt.js';
import { initCommand } from './init.js';
import { inspectTableCommand } from './inspect.js';
import { planCommand } from './plan.js';
import { removeCommands } from './remove.js';
import { repairCommand } from './repair.js';
import { stepCommands } from './steps.js';
import { storeCommands } from './store-steps.js';
import { verifyMigrationCommand } from './verify.js';
import { workCommand } from './work.js';
import { writerCommand } from './writer.js';

export function migrateCommand(context: CommandContext): Command {
  const command = createCommand(context, 'migrate', {
    summary: 'move a collection to another model, with proof and a way back',
    description:
      'adopt (a table of your own) or init → plan → start → work → verify → cutover (→ rollback) → retire. Every command prints the state and what comes next.',
    examples: [
      'migrate init --collection docs --rows docs.jsonl',
      'migrate plan --collection docs --to kimera/all-MiniLM-L6-v2-static',
      'migrate status --collection docs',
    ],
  });
  for (const each of [
    inspectTableCommand(context),
    adoptCommand(context),
    initCommand(context),
    planCommand(context),
    ...stepCommands(context),
    workCommand(context),
    verifyMigrationCommand(context),
    ...storeCommands(context),
    repairCommand(context),
    writerCommand(context),
    ...removeCommands(context),
  ])
    command.addCommand(each);
  return command;
}
