import type { Command } from 'commander';
import type { PrepareProgress } from '@kimera/core';
import type { MigrationParts, SwitchOptions } from '@kimera/migration';
import type { CommandContext } from '../../console/command-context.js';
import type { CommandText } from '../../console/create-command.js';
import { modelCommand, type ModelOptions } from './options.js';
import { StoppedError } from '../../errors.js';
import { formatCount } from '../../console/format.js';
import { printable } from '../../console/printable.js';
import { openProgress, type Progress } from '../../console/progress.js';
import { wholeNumber } from '../../console/whole-number.js';
import { printState } from './state.js';

interface StepOptions extends ModelOptions {
  readonly inPlace?: true;
  readonly accept?: readonly string[];
  readonly timeout?: number;
  readonly maxBlocked?: number;
  readonly tenant?: readonly string[];
}

interface StepContext {
  readonly stop: AbortSignal;
  /** In place, before the swap: rows that are written and indexes that are built. */
  readonly onPrepare: (progress: PrepareProgress) => void;
}

interface Step {
  readonly name: string;
  readonly text: CommandText;
  /** Its result is printed with the state. */
  readonly run: (
    parts: MigrationParts,
    options: StepOptions,
    context: StepContext,
  ) => Promise<Readonly<Record<string, unknown>>>;
  readonly options?: (command: Command) => Command;
}

const acceptOption = (command: Command): Command =>
  command.option('--accept <kind:name...>', 'in place: what may happen to these, as "migrate plan" lists them');
/** As `SwitchOptions.tenants` says it. */
const TENANT_CATCH_UP =
  'With --tenant the changes of the whole collection are embedded first, beside the writers, also those of other tenants; only then, while writers wait, those of the tenants named alone.';
const switchOptions = (command: Command): Command =>
  acceptOption(command)
    .option('--tenant <name...>', 'only the searches of these tenants; the others follow, or not (default: all)')
    .option(
      '--timeout <seconds>',
      'how long it may try; nothing has changed then (default: 300)',
      wholeNumber('--timeout', 86_400),
    )
    .option(
      '--max-blocked <seconds>',
      'how long writers may wait while the last changes are embedded (default: 2)',
      wholeNumber('--max-blocked', 3_600),
    );
const switchOf = (
  { accept: accepted = [], timeout, maxBlocked, tenant }: StepOptions,
  { stop: signal, onPrepare }: StepContext,
): SwitchOptions => ({
  accepted,
  signal,
  onPrepare,
  ...(tenant === undefined ? {} : { tenants: tenant }),
  ...(timeout === undefined ? {} : { timeoutSeconds: timeout }),
  ...(maxBlocked === undefined ? {} : { maxBlockedSeconds: maxBlocked }),
});
const engine = () => import('@kimera/migration');

/** Commands that are one call of the engine. */
const STEPS: readonly Step[] = [
  {
    name: 'start',
    text: {
      summary: 'open the new space and queue the backfill',
      description: [
        'From here on every change of the collection is queued for the new space too. Searches go on in the old space.',
        'With --in-place, for applications that search an adopted table with their own SQL, the table gets a column for the new vectors beside its own, and cutover exchanges their names: indexes, views and rights come along, "migrate plan" lists them. Just after it the application must embed its queries with the new model: the model alias of the server does so.',
      ].join('\n'),
      examples: [
        'migrate start --database ./data --collection docs',
        'migrate start --collection docs --in-place --accept trigger:set_updated_at',
      ],
    },
    options: (command) =>
      acceptOption(
        command.option('--in-place', 'exchange the vector column of the application’s table at the cutover'),
      ),
    run: async (parts, { inPlace, accept: accepted = [] }) => {
      const { startMigration } = await engine();
      return { started: (await startMigration(parts, inPlace === true ? { inPlace: { accepted } } : {})).id };
    },
  },
  {
    name: 'cutover',
    text: {
      summary: 'searches use the new space',
      description: [
        'Needs a GO of "migrate verify" (or an accepted INCONCLUSIVE). The last changes are embedded while writers wait; one pointer moves. The old vectors stay. In place, every index is built on the new column first, without holding anybody up; then the names of the two columns are exchanged in the same transaction.',
        TENANT_CATCH_UP,
      ].join('\n'),
      examples: [
        'migrate cutover --database ./data --collection docs',
        'migrate cutover --collection documents --tenant acme --tenant globex',
      ],
    },
    options: switchOptions,
    run: async (parts, options, context) => ({
      cutover: await (await engine()).cutOver(parts, switchOf(options, context)),
    }),
  },
  {
    name: 'rollback',
    text: {
      summary: 'searches use the old space again',
      description: [
        'The vectors of unchanged rows are those from before, byte for byte; changed rows are embedded with the old model.',
        TENANT_CATCH_UP,
      ].join('\n'),
      examples: [
        'migrate rollback --database ./data --collection docs',
        'migrate rollback --collection documents --tenant acme',
      ],
    },
    options: switchOptions,
    run: async (parts, options, context) => ({
      rollback: await (await engine()).rollBack(parts, switchOf(options, context)),
    }),
  },
];

export function stepCommands(context: CommandContext): readonly Command[] {
  return STEPS.map(({ name, text, options: add = (command) => command, run }) =>
    add(modelCommand(context, name, text)).action(async (options: StepOptions) => {
      const { openSession } = await import('./session.js');
      const { parts, store, close } = await openSession(context, options, 'go on');
      try {
        const { stop } = context;
        const preparation = new Preparation(context.stderr);
        const result = await run(parts, options, { stop, onPrepare: (progress) => preparation.show(progress) })
          .catch((error: unknown) => {
            if (error !== stop.reason) throw error;
            throw new StoppedError(
              'stopped before the switch, nothing has changed; run the same command again to go on',
            );
          })
          .finally(() => preparation.stop());
        await printState(context, store, options, result);
      } finally {
        await close();
      }
    }),
  );
}

/** A bar for each index that is built, as PostgreSQL tells of it, and for the rows before them; none before it is needed. */
class Preparation {
  #bar: Promise<Progress> | undefined;
  #what = '';

  constructor(private readonly stderr: CommandContext['stderr']) {}

  show({ step, name, phase, done, total }: PrepareProgress): void {
    this.#what = step === 'index' ? `index ${printable(name)}, ${printable(phase)}` : `rows of ${printable(name)}`;
    this.#bar ??= openProgress(
      this.stderr,
      'preparing',
      // Of some phases it tells no amounts.
      (now, of) => `${this.#what}${of === 0 ? '' : ` ${formatCount(now)} of ${formatCount(of)}`}`,
    );
    void this.#bar.then((bar) => bar.update(done, total));
  }

  async stop(): Promise<void> {
    (await this.#bar)?.stop();
  }
}
