const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const pg = require('pg');
const holdPGlite = require('../../jest.pglite.cjs');

/** Runs before all specs: the first that needs a database makes one in this folder for all. It goes when the process ends. */
module.exports = async function prepare({ maxWorkers }) {
  const server = process.env.KIMERA_TEST_DATABASE_URL;
  if (server !== undefined) await makeDatabases(server, maxWorkers);
  await holdPGlite();
  const folder = mkdtempSync(join(tmpdir(), 'kimera-store-template-'));
  process.env.KIMERA_TEMPLATE = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
};

/** One for each process that runs specs side by side (src/test-databases.fixture.ts). */
async function makeDatabases(server, count) {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  const { rows } = await client.query('SELECT datname FROM pg_database');
  for (let worker = 1; worker <= count; worker++)
    if (!rows.some(({ datname }) => datname === `kimera_specs_${worker}`))
      await client.query(`CREATE DATABASE kimera_specs_${worker}`);
  await client.end();
}
