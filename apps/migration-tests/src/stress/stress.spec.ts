import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { Checks } from '../checks.js';
import { LIGHT_MODEL } from '../models.js';
import { runStress } from './run-stress.js';

jest.setTimeout(300_000);
const server = process.env['KIMERA_TEST_DATABASE_URL'];
const onServer = server === undefined ? describe.skip : describe;

onServer('a migration under writers, readers and SIGKILLs, small', () => {
  it('holds every check of the stress run', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kimera-stress-'));
    const database = `stress_${process.pid}`;
    const url = new URL(server ?? '');
    const admin = new pg.Client({ connectionString: url.href });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${database}`);
    url.pathname = database;
    try {
      const checks = new Checks(() => undefined);
      const { figures } = await runStress(
        {
          ...{ rows: 120, from: join(folder, 'twin'), to: LIGHT_MODEL, workers: 2, writesPerSecond: 10, readers: 2 },
          ...{ kills: 1, restarts: 0, rate: 60, lease: 3, database: url.href, postgres: '16', folder, checkBy: 'same' },
        },
        checks,
        () => undefined,
        // How soon says more of the machine than of the code, in one second and beside other specs.
        { watched: 1, searchable: 60 },
      );
      expect(checks.results.filter(({ holds }) => !holds)).toEqual([]);
      expect(checks.passed).toBe(10);
      expect(figures['writers waited at the cutover, ms']).toBeLessThan(2_000);
    } finally {
      await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
      await admin.end();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
