import type { CommandContext } from './command-context.js';

/** What is done of a total, for a person who waits. */
export interface Progress {
  /**
   * The time left is measured from the first call, at which work of before may be done already; less than before
   * starts anew.
   */
  update(done: number, total: number): void;
  /** What goes on after the bytes are done. */
  phase(text: string): void;
  stop(): void;
}

const SILENT: Progress = { update: () => undefined, phase: () => undefined, stop: () => undefined };

/**
 * A bar on stderr with time left where stderr is a terminal, nothing elsewhere. @param describe the amounts; as bytes
 * where absent.
 */
export async function openProgress(
  stderr: CommandContext['stderr'],
  title: string,
  describe?: (done: number, total: number) => string,
): Promise<Progress> {
  if (stderr.isTTY !== true) return SILENT;
  const [{ default: cliProgress }, { formatBytes, formatDuration }] = await Promise.all([
    import('cli-progress'),
    import('./format.js'),
  ]);
  const bar = new cliProgress.SingleBar(
    {
      stream: stderr,
      clearOnComplete: true,
      hideCursor: true,
      format: `${title} {bar} {percentage}% {bytes} {left}`,
      barsize: 24,
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  );
  let started = performance.now();
  let first: number | undefined;
  let last = 0;
  bar.start(1, 0, { bytes: '', left: '' });
  return {
    update(done, total) {
      const share = total === 0 ? 1 : Math.min(1, done / total);
      if (first === undefined || share < last) {
        started = performance.now();
        first = share;
      }
      last = share;
      const gained = share - first;
      bar.update(share, {
        bytes: describe?.(done, total) ?? `${formatBytes(done)} of ${formatBytes(total)}`,
        left:
          gained > 0.02 && share < 1
            ? `${formatDuration(((performance.now() - started) * (1 - share)) / gained)} left`
            : '',
      });
    },
    phase: (text) => bar.update(1, { bytes: text, left: '' }),
    stop: () => bar.stop(),
  };
}
