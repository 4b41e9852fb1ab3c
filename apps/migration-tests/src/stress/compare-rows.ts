import { cosine } from '@kimera/core';
import type { MigrationParts } from '@kimera/migration';
import { z } from 'zod';
import { TABLE, type Application } from './application.js';
import { Witness, type RowWithVector } from './witness.js';

const ROWS_AT_ONCE = 256;
/** Texts alone and in batches, in processes with other numbers of threads. */
const COSINE_FLOOR = 0.9999;
const rowsSchema = z.array(z.object({ id: z.string(), text: z.string(), vector: z.string().nullable() }));

export interface ComparedRows {
  readonly compared: number;
  readonly wrong: number;
  /** Some of the wrong ones. */
  readonly ids: readonly string[];
  /** Who embedded the texts again. */
  readonly madeBy: string;
}

export interface Comparing {
  readonly parts: MigrationParts;
  readonly application: Application;
  /** SQL: the table of the vectors. */
  readonly held: string;
  /** Folder of their model. */
  readonly model: string;
  /** One row in so many. */
  readonly step: number;
  readonly progress: (line: string) => void;
}

/** Other libraries embed the rows again, in Python; where it is not at hand the same embedder, and `madeBy` says so. */
export async function compareWithWitness(folder: string, comparing: Comparing): Promise<ComparedRows> {
  const witness = await Witness.open(folder);
  if (typeof witness === 'string') {
    const { madeBy, ...compared } = await compareHere(comparing);
    return { ...compared, madeBy: `${madeBy}, since Python is not at hand: ${witness}` };
  }
  const { madeBy, leastCosine, ...compared } = await witness.compare(
    comparing.model,
    liveRows(comparing),
    COSINE_FLOOR,
    comparing.progress,
  );
  return { ...compared, madeBy: `${madeBy.join(' and ')}, least cosine ${leastCosine.toFixed(7)}` };
}

/** The embedder of the migration embeds the rows again. */
export async function compareHere(comparing: Comparing): Promise<ComparedRows> {
  const { target } = comparing.parts;
  const wrong: string[] = [];
  let compared = 0;
  for await (const rows of pages(comparing)) {
    const again = await target.encodeBatch(
      rows.map(({ text }) => text),
      { role: 'document', lane: 'bulk' },
    );
    rows.forEach(({ id, vector }, i) => {
      const [stored, expected] = [vector === null ? undefined : decode(vector), again[i]?.dense];
      if (stored === undefined || expected?.length !== stored.length || !(cosine(stored, expected) > COSINE_FLOOR))
        wrong.push(id);
    });
    compared += rows.length;
    comparing.progress(`compared ${compared} rows`);
  }
  return { compared, wrong: wrong.length, ids: wrong.slice(0, 20), madeBy: 'the same embedder' };
}

async function* liveRows(comparing: Comparing): AsyncGenerator<RowWithVector> {
  for await (const rows of pages(comparing)) yield* rows;
}

/** Rows of the table with their vectors, by SQL of its own. */
async function* pages({ application, held, step }: Comparing): AsyncGenerator<readonly RowWithVector[]> {
  let last = '0';
  for (;;) {
    const page = rowsSchema.parse(
      await application.rows(
        `SELECT d.id::text AS id, d.content AS text, replace(encode(vector_send(v.embedding), 'base64'), E'\\n', '') AS vector
         FROM ${TABLE} d LEFT JOIN ${held} v ON v.id = d.id WHERE d.id > $1::bigint ORDER BY d.id LIMIT ${ROWS_AT_ONCE * step}`,
        [last],
      ),
    );
    const end = page.at(-1);
    if (end === undefined) return;
    last = end.id;
    yield page.filter((_, i) => i % step === 0);
  }
}

/** Two numbers of 16 bits, then float32, big-endian. */
function decode(vector: string): Float32Array {
  const bytes = Buffer.from(vector, 'base64');
  return Float32Array.from({ length: (bytes.length - 4) / 4 }, (_, i) => bytes.readFloatBE(4 + i * 4));
}
