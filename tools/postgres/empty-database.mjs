#!/usr/bin/env node
/*
 * Puts an embedded database into a folder that has none, without a schema, for specs:
 *
 *   node tools/postgres/empty-database.mjs FOLDER
 *
 * Making one takes seconds and gives the same each time, so it is made once for a version of PGlite, kept beside the
 * installed packages, and copied. It is small, since it is copied and opened often: files of the log of 1 MB instead of
 * 16, without the databases that others are made from, and with buffers that are soon cleared.
 */
import { constants, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const packages = join(import.meta.dirname, '../../node_modules');
const { version } = JSON.parse(readFileSync(join(packages, '@electric-sql/pglite/package.json'), 'utf8'));
const made = join(packages, '.cache/kimera', `small-database-${version}`);

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('empty-database.mjs FOLDER');
if (!existsSync(made)) await make();
mkdirSync(resolve(folder), { recursive: true });
// The name that the store gives it.
cpSync(made, join(resolve(folder), 'database'), { recursive: true, mode: constants.COPYFILE_FICLONE });

/** Another process may make it at the same time: the first one stays. */
async function make() {
  const { PGlite } = await import('@electric-sql/pglite');
  const unfinished = `${made}.${process.pid}`;
  mkdirSync(join(packages, '.cache/kimera'), { recursive: true });
  try {
    const initDbStartParams = ['--wal-segsize=1', '-c', 'shared_buffers=8MB'];
    const database = await PGlite.create({ dataDir: unfinished, initDbStartParams });
    await database.exec('UPDATE pg_database SET datistemplate = false');
    for (const name of ['template0', 'template1']) await database.exec(`DROP DATABASE ${name}`);
    await database.close();
    renameSync(unfinished, made);
  } catch (error) {
    if (!existsSync(made)) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
