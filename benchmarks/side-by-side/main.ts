/**
 * How fast is Kimera beside other libraries and servers on this machine, at what fidelity, and in how much memory?
 * `npm run bench -- --help` says how it is asked (options.ts).
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { machineLines } from '../machine.js';
import { CELLS, lengthsOf, type Cell, type CellModel } from './cells.js';
import { chartOf } from './chart.js';
import { Models } from './models.js';
import { readOptions } from './options.js';
import { Peers } from './peers.js';
import { reportOf } from './report.js';
import { Results, type CellResult } from './results.js';
import { runCell } from './run-cell.js';
import { SYSTEMS, takesPart } from './systems.js';
import { Prose } from './texts.js';

const options = readOptions();
const { cells, systems, rounds } = options;
const today = new Date().toISOString().slice(0, 10);
const peersFolder = resolve(options.peers);
const results = new Results(resolve(options.run ?? join(peersFolder, 'runs', today)));
const peers = await Peers.open(peersFolder);
const models = new Models(join(peersFolder, 'models'), resolve(options.checkpoint ?? '.'));
const machine = machineLines();
const prose = new Map<CellModel, Promise<Prose>>();
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const known = await results.read();
for (const cell of cells) {
  const before = known.get(cell.name);
  const isThere =
    before !== undefined && systems.every((system) => !takesPart(system, cell) || has(before, system.name));
  if (isThere && !options.again) {
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
  await mkdir(options.out, { recursive: true });
  const report = reportOf(measured);
  const chart = chartOf(measured, `${(measured[0]?.machine[0] ?? '').replace(/^- machine: /, '')}; ${today}`);
  await writeFile(join(options.out, `${name}.md`), report);
  await writeFile(join(options.out, `${name}.svg`), chart);
  if (options.picture !== undefined) await writeFile(options.picture, chart);
  console.log(report);
  say(`written: ${join(options.out, name)}.md and .svg`);
}

function has({ systems: measured }: CellResult, name: string): boolean {
  return measured.some((one) => one.name === name);
}
