import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { reasonOf } from '@kimera/core';
import { root } from '../machine.js';
import { CELLS } from './cells.js';
import { defaultPeersFolder } from './peers.js';
import { SYSTEMS } from './systems.js';

const USAGE = `npm run bench -- --checkpoint DIR [options]

Measures Kimera beside other libraries and servers: speed, fidelity and memory, interleaved in one run.
First, once: npm run bench:peers installs the others.

  --checkpoint DIR   files of sentence-transformers/all-MiniLM-L6-v2 (kimera models pull fetches them); the large model
                     is made here, with random weights (8 GB with its forms)
  --cells LIST       of ${CELLS.map(({ name }) => name).join(', ')}; default: all
  --systems LIST     of ${SYSTEMS.map(({ name }) => name).join(', ')}; default: all
  --rounds N         runs of each system; default: 7
  --peers DIR        where the others are; default: kimera/peers in the user's cache
  --run DIR          keeps the result of each cell: a run that was ended goes on; default: runs/DATE beside the others
  --again            measures the named cells again
  --out DIR          for DATE-side-by-side-MACHINE.md and .svg, from all cells of the run; default: benchmarks/results
  --picture FILE     gets the chart too

A system that is not installed, or does not run here, stands in the table as missing, with the reason.
`;

export type BenchOptions = ReturnType<typeof parse>;

/** What the command line says. Where it asks for help, or is wrong, that is told and the process ends. */
export function readOptions(): BenchOptions {
  try {
    const options = parse();
    if (!options.help) return options;
    process.stdout.write(USAGE);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

function parse() {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', default: false },
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
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds takes a whole number from 1 on, not ${values.rounds}`);
  const cells = chosen(CELLS, values.cells, '--cells');
  const systems = chosen(SYSTEMS, values.systems, '--systems');
  if (!values.help && values.checkpoint === undefined && cells.some(({ model }) => model === 'minilm'))
    throw new Error('--checkpoint is missing, which the cells of MiniLM need');
  return { ...values, rounds, cells, systems };
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
