import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT } from '../models.js';
import type { Machine } from './report.js';

const PACKAGES = ['onnxruntime-node', '@electric-sql/pglite', '@electric-sql/pglite-pgvector', 'pg'];

export function describeMachine(): Machine {
  const version = (name: string): string =>
    z
      .object({ version: z.string() })
      .parse(JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'))).version;
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    versions: Object.fromEntries(PACKAGES.map((name) => [name, version(name)])),
  };
}
