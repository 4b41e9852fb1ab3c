import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const systemSchema = z.object({
  name: z.string(),
  title: z.string(),
  /** Why it was not measured. */
  missing: z.string().optional(),
  versions: z.record(z.string(), z.string()).default({}),
  /** From the start of its process until it can answer. */
  loadSeconds: z.number().optional(),
  /** Of each round: texts a second, or milliseconds of one text (median of the round). */
  values: z.array(z.number()).default([]),
  /** Milliseconds of one text or request: 95th percentile of each round. */
  p95: z.array(z.number()).default([]),
  /** The first call was the only one: it took many times the reference's. */
  onlyFirst: z.boolean().default(false),
  /** To the vectors of sentence-transformers in float32. */
  leastCosine: z.number().optional(),
  cpuSecondsPerText: z.number().optional(),
  privateBytes: z.number().optional(),
  proportionalBytes: z.number().optional(),
});

const cellSchema = z.object({
  cell: z.string(),
  title: z.string(),
  /** What `values` count. */
  unit: z.enum(['texts/s', 'ms']),
  /** Name of the system that speeds are compared with. */
  reference: z.string(),
  /** Mean tokens of a text. */
  tokens: z.number(),
  date: z.string(),
  machine: z.array(z.string()),
  systems: z.array(systemSchema),
});

/** How one system did in one cell. */
export type SystemResult = z.infer<typeof systemSchema>;
export type CellResult = z.infer<typeof cellSchema>;

/** The results of a run, one file a cell: a run that was ended goes on where it was. */
export class Results {
  constructor(private readonly folder: string) {}

  async write(result: CellResult): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const path = join(this.folder, `${result.cell}.json`);
    await writeFile(`${path}.partial`, `${JSON.stringify(result, null, 2)}\n`);
    await rename(`${path}.partial`, path);
  }

  async read(): Promise<ReadonlyMap<string, CellResult>> {
    await mkdir(this.folder, { recursive: true });
    const names = (await readdir(this.folder)).filter((name) => name.endsWith('.json'));
    const results = await Promise.all(
      names.map(async (name) => cellSchema.parse(JSON.parse(await readFile(join(this.folder, name), 'utf8')))),
    );
    return new Map(results.map((result) => [result.cell, result]));
  }
}
