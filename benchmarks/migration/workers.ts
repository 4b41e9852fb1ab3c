import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { z } from 'zod';
import { root } from '../machine.js';
import { COLLECTION } from './prepared-database.js';

export const KIMERA = join(root, 'tools/kimera/bin/kimera.mjs');
const LOOK_MILLISECONDS = 200;

export interface WorkersOptions {
  readonly count: number;
  readonly database: string;
  readonly models: readonly [from: string, to: string];
  /** Percent of the time that a model of one worker works at most. */
  readonly cpu?: number;
}

/** Of each, where so many share the processors. */
export function threadsOf(count: number): number {
  return Math.max(1, Math.floor(availableParallelism() / count));
}

/** Processes of `kimera migrate work`, which share the processors. */
export class Workers {
  readonly #children: readonly ChildProcess[];
  readonly #jobs: Jobs;
  #errors = '';

  private constructor({ count, database, models: [from, to], cpu }: WorkersOptions, jobs: Jobs) {
    this.#jobs = jobs;
    const words = ['migrate', 'work', '--database', database, '--collection', COLLECTION, '--from', from, '--to', to];
    const limits = ['--threads', String(threadsOf(count)), ...(cpu === undefined ? [] : ['--cpu', String(cpu)])];
    this.#children = Array.from({ length: count }, () => {
      const child = spawn(process.execPath, [KIMERA, ...words, ...limits], { stdio: ['ignore', 'ignore', 'pipe'] });
      child.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
      return child;
    });
  }

  static async start(options: WorkersOptions): Promise<Workers> {
    return new Workers(options, await Jobs.of(options.database));
  }

  /** Until each has a job at hand. */
  async atWork(): Promise<void> {
    while ((await this.#jobs.active()) < this.#children.length) await this.#look();
  }

  /** Until no job is left to take. */
  async untilTaken(): Promise<void> {
    while ((await this.#jobs.waiting()) > 0) await this.#look();
  }

  /** Jobs that nobody has taken yet. */
  waiting(): Promise<number> {
    return this.#jobs.waiting();
  }

  /** Between two times of the database's clock; a job that is partly between them counts in part, once it is done. */
  async rowsPerSecond(from: Date, to: Date): Promise<number> {
    while ((await this.#jobs.activeSince(to)) > 0) await this.#look();
    return this.#jobs.rowsPerSecond(from, to);
  }

  now(): Promise<Date> {
    return this.#jobs.now();
  }

  /** @param how `finish`: the job at hand and the rest; `stop`: a signal. */
  async end(how: 'finish' | 'stop'): Promise<void> {
    const running = this.#children.filter(({ exitCode }) => exitCode === null);
    if (how === 'stop') for (const child of running) child.kill('SIGTERM');
    await Promise.all(running.map((child) => once(child, 'close')));
    await this.#jobs.close();
  }

  /** @throws where a worker has ended: what waits for it would wait for ever. */
  async #look(): Promise<void> {
    const ended = this.#children.find(({ exitCode }) => exitCode !== null && exitCode !== 0);
    if (ended !== undefined) throw new Error(`a worker ended with ${ended.exitCode}: ${this.#errors}`);
    await pause(LOOK_MILLISECONDS);
  }
}

/** The queue as the database has it. */
class Jobs {
  private constructor(private readonly client: pg.Client) {}

  static async of(database: string): Promise<Jobs> {
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    return new Jobs(client);
  }

  active(): Promise<number> {
    return this.#number(`SELECT count(*)::float8 AS value FROM kimera.jobs WHERE state = 'active'`);
  }

  activeSince(time: Date): Promise<number> {
    return this.#number(`SELECT count(*)::float8 AS value FROM kimera.jobs WHERE state = 'active' AND taken < $1`, [
      time,
    ]);
  }

  waiting(): Promise<number> {
    return this.#number(`SELECT count(*)::float8 AS value FROM kimera.jobs WHERE state = 'waiting'`);
  }

  async now(): Promise<Date> {
    const { rows } = await this.client.query('SELECT clock_timestamp() AS value');
    return z.object({ value: z.date() }).parse(rows[0]).value;
  }

  rowsPerSecond(from: Date, to: Date): Promise<number> {
    return this.#number(
      `SELECT coalesce(sum(rows * extract(epoch FROM least(finished, $2) - greatest(taken, $1)) / extract(epoch FROM finished - taken)), 0)::float8
              / extract(epoch FROM $2::timestamptz - $1::timestamptz)::float8 AS value
       FROM kimera.jobs WHERE state = 'done' AND finished > $1 AND taken < $2`,
      [from, to],
    );
  }

  close(): Promise<void> {
    return this.client.end();
  }

  async #number(sql: string, values: readonly unknown[] = []): Promise<number> {
    const { rows } = await this.client.query(sql, [...values]);
    return z.object({ value: z.number() }).parse(rows[0]).value;
  }
}
