import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';

export const root = join(fileURLToPath(import.meta.url), '../../../..');

export function readFixture(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(root, 'fixtures', name)));
}

export function readJsonFixture<T>(name: string, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(new TextDecoder().decode(readFixture(name))));
}
