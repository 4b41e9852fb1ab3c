import { cp, open } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_CELLS, WITHOUT_NATIVE } from '../child-programs.js';
import { allCells, describeCell, describeOutcome, expectedOutcome, type Cell } from '../configuration/cells.js';
import type { Observed } from '../run-cells.js';
import { OLD_MODEL } from '../models.js';
import { runProcess } from '../processes.js';
import type { Stage } from '../stage.js';

/** A backend of a space gives its vectors within float rounding; the shipped weights are float16. */
const LEAST_COSINE = 0.9999;

/** A cell and what came of it. */
export interface CellResult {
  readonly cell: Cell;
  readonly observed: Observed | undefined;
  readonly holds: boolean;
}

/** Every combination of the modes, each a server that is started, or must not start. */
export async function playConfiguration({ checks, folder, progress }: Stage): Promise<readonly CellResult[]> {
  checks.scenario('The configuration modes');
  await corruptCopy(join(folder, 'corrupt'));
  const cells = allCells();
  progress(`${cells.length} servers, half of them without a native runtime`);
  const halves = await Promise.all(
    (['loads', 'fails'] as const).map(async (native) => {
      const some = cells.filter((cell) => cell.native === native);
      const { output } = await runProcess(
        RUN_CELLS,
        [JSON.stringify(some), folder],
        native === 'loads' ? {} : { NODE_OPTIONS: `--require ${WITHOUT_NATIVE}` },
      );
      const lines = output.split('\n').filter((line) => line !== '');
      return some.map((cell, i) =>
        judge(cell, lines[i] === undefined ? undefined : (JSON.parse(lines[i]) as Observed)),
      );
    }),
  );
  const results = halves.flat();
  for (const { cell, observed, holds } of results)
    checks.check(describeCell(cell), holds, observed === undefined ? 'nothing came of it' : detail(observed));
  return results;
}

function judge(cell: Cell, observed: Observed | undefined): CellResult {
  const expected = expectedOutcome(cell);
  if (observed === undefined) return { cell, observed, holds: false };
  const same = JSON.stringify(observed.outcome) === JSON.stringify(expected);
  // Refused by name: unknown where the model that is asked for serves, unavailable where the light one stands in; there
  // is none beside the light model alone.
  const other =
    !expected.starts ||
    (observed.otherStatus !== null && [404, 503].includes(observed.otherStatus)) ||
    (cell.fallbackSpace === 'light' && expected.serves === 'model' && observed.otherStatus === 200);
  return { cell, observed, holds: same && other && (!expected.starts || (observed.cosine ?? 0) >= LEAST_COSINE) };
}

function detail({ outcome, cosine, otherStatus, milliseconds }: Observed): string {
  const vectors = cosine === null ? '' : `, cosine ${cosine.toFixed(7)}`;
  return `${describeOutcome(outcome)}${vectors}${otherStatus === null ? '' : `, the other model by name: ${otherStatus}`} (${(milliseconds / 1000).toFixed(1)} s)`;
}

/** The old model with the signs of every third weight turned: of the right size, and not its space. */
async function corruptCopy(to: string): Promise<void> {
  await cp(OLD_MODEL, to, { recursive: true });
  const file = await open(join(to, 'onnx/model.onnx_data'), 'r+');
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(size);
    await file.read(bytes, 0, size, 0);
    for (let at = 1; at < size; at += 6) bytes[at] = (bytes[at] as number) ^ 0x80;
    await file.write(bytes, 0, size, 0);
  } finally {
    await file.close();
  }
}
