import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ROOT } from '../models.js';

const PROGRAM = join(ROOT, 'apps/migration-tests/witness/compare.py');
const REQUIREMENTS = join(ROOT, 'apps/migration-tests/witness/requirements.txt');
const comparison = z.object({
  compared: z.number(),
  wrong: z.number(),
  ids: z.array(z.string()),
  leastCosine: z.number(),
  madeBy: z.array(z.string()),
});
export type Comparison = z.infer<typeof comparison>;

export interface RowWithVector {
  readonly id: string;
  readonly text: string;
  /** Base64 of `vector_send`; null: it has none. */
  readonly vector: string | null;
}

/** Python that embeds with libraries which share no code with ours. */
export class Witness {
  private constructor(private readonly python: string) {}

  /**
   * Its packages are installed into the folder once, from the Python registry. @returns why there is none, where Python
   * or its packages are not at hand.
   */
  static async open(folder: string): Promise<Witness | string> {
    const environment = join(folder, 'witness');
    const python = join(environment, 'bin/python');
    const done = join(environment, 'requirements.txt');
    const wanted = await readFile(REQUIREMENTS, 'utf8');
    if (existsSync(done) && (await readFile(done, 'utf8')) === wanted) return new Witness(python);
    try {
      await promisify(execFile)('python3', ['-m', 'venv', environment]);
      await promisify(execFile)(python, ['-m', 'pip', 'install', '--quiet', '--requirement', REQUIREMENTS]);
    } catch (error) {
      return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    }
    await writeFile(done, wanted);
    return new Witness(python);
  }

  /** @param cosine that a row's vector has with the one of its text at least. @throws where the program fails. */
  async compare(
    model: string,
    rows: AsyncIterable<RowWithVector>,
    cosine: number,
    progress: (line: string) => void,
  ): Promise<Comparison> {
    const child = spawn(this.python, [PROGRAM, model, String(cosine)], { stdio: ['pipe', 'pipe', 'pipe'] });
    let [output, last] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      last = chunk.toString().trim().split('\n').at(-1) ?? last;
      progress(`witness: ${last}`);
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const lines = Readable.from(rows, { objectMode: true }).map((row: RowWithVector) => `${JSON.stringify(row)}\n`);
    // A program that ends before its input does says why on stderr.
    await pipeline(lines, child.stdin).catch(() => undefined);
    const code = await ended;
    if (code !== 0) throw new Error(`the witness ended with ${code}: ${last}`);
    return comparison.parse(JSON.parse(output));
  }
}
