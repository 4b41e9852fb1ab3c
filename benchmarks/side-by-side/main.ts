/**
 * How fast is Kimera beside other libraries and servers on this machine, at what fidelity, and in how much memory?
 *   npm run bench:peers                                            installs the others, once
 *   npm run bench -- --checkpoint DIR [--cells minilm-11,http-8] [--systems st-fp32,kimera-int8] [--rounds N]
 * DIR has the files of sentence-transformers/all-MiniLM-L6-v2 (`kimera models pull`); the large model is made here, with
 * random weights (8 GB with its forms). `--peers DIR` is where the others are (default: kimera/peers in the user's
 * cache), `--run DIR` keeps the result of each cell: what is there is not measured again, so that a run that was ended
 * goes on (`--again` measures the named cells again). At the end DATE-MACHINE.md and .svg are written to `--out DIR`
 * (default: benchmarks/results) from all cells of the run; `--picture FILE` gets the chart too. A system that is not
 * installed, or does not run here, stands in the table as missing, with the reason.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { machineLines, root } from '../machine.js';
import { CELLS, lengthsOf, type Cell, type CellModel } from './cells.js';
import { chartOf } from './chart.js';
import { Models } from './models.js';
import { defaultPeersFolder, Peers } from './peers.js';
import { reportOf } from './report.js';
import { Results, type CellResult } from './results.js';
import { runCell } from './run-cell.js';
import { SYSTEMS, takesPart } from './systems.js';
import { Prose } from './texts.js';

const { values } = parseArgs({
  options: {
    checkpoint: { type: 'string' },
    cells: { type: 'string' },
    systems: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    peers: { type: 'string', default: defaultPeersFolder() },
    run: { type: 'string' },
    out: { type: 'string', default: join(root, 'benchmarks/results') },
    picture: { type: 'string' },
    again: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1 on');
const cells = chosen(CELLS, values.cells, '--cells');
const systems = chosen(SYSTEMS, values.systems, '--systems');
if (values.checkpoint === undefined && cells.some(({ model }) => model === 'minilm'))
  throw new Error('--checkpoint DIR is needed: kimera models pull sentence-transformers/all-MiniLM-L6-v2 fetches it');

const today = new Date().toISOString().slice(0, 10);
const peersFolder = resolve(values.peers);
const results = new Results(resolve(values.run ?? join(peersFolder, 'runs', today)));
const peers = await Peers.open(peersFolder);
const models = new Models(join(peersFolder, 'models'), resolve(values.checkpoint ?? '.'));
const machine = machineLines();
const prose = new Map<CellModel, Promise<Prose>>();
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const known = await results.read();
for (const cell of cells) {
  const before = known.get(cell.name);
  const isThere =
    before !== undefined && systems.every((system) => !takesPart(system, cell) || has(before, system.name));
  if (isThere && !values.again) {
    say(`${cell.name}: measured before, on ${before.date}`);
    continue;
  }
  const texts = await textsOf(cell);
  // Others that were measured before are measured again: figures of two runs are not compared.
  const taken = SYSTEMS.filter(
    ({ name }) => systems.some((system) => system.name === name) || (before !== undefined && has(before, name)),
  );
  await results.write(await runCell({ cell, models, peers }, { texts, systems: taken, rounds, machine, say }));
}
await writeReport();

async function textsOf(cell: Cell): Promise<readonly string[]> {
  const path = join(await models.prepare(cell.model), 'tokenizer.json');
  const opened = prose.get(cell.model) ?? Prose.open(path);
  prose.set(cell.model, opened);
  const source = await opened;
  return lengthsOf(cell.texts).map((tokens) => source.text(tokens));
}

async function writeReport(): Promise<void> {
  const all = await results.read();
  const measured = CELLS.flatMap(({ name }) => all.get(name) ?? []);
  const processor = cpus()[0]?.model.trim() ?? 'unknown';
  const name = `${today}-side-by-side-${cpus().length}x-${processor.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
  await mkdir(values.out, { recursive: true });
  const report = reportOf(measured);
  const chart = chartOf(measured, `${(measured[0]?.machine[0] ?? '').replace(/^- machine: /, '')}; ${today}`);
  await writeFile(join(values.out, `${name}.md`), report);
  await writeFile(join(values.out, `${name}.svg`), chart);
  if (values.picture !== undefined) await writeFile(values.picture, chart);
  console.log(report);
  say(`written: ${join(values.out, name)}.md and .svg`);
}

/** All of them where nothing is named. @throws where a name is unknown. */
function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  list: string | undefined,
  option: string,
): readonly T[] {
  if (list === undefined) return all;
  const names = list.split(',');
  const unknown = names.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length > 0)
    throw new Error(`${option}: no ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`);
  return all.filter(({ name }) => names.includes(name));
}

function has({ systems: measured }: CellResult, name: string): boolean {
  return measured.some((one) => one.name === name);
}
