const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const holdPGlite = require('../../jest.pglite.cjs');

/** Runs before all specs: the first that needs a database makes one in this folder for all. It goes when the process ends. */
module.exports = async function prepare() {
  await holdPGlite();
  const folder = mkdtempSync(join(tmpdir(), 'kimera-store-template-'));
  process.env.KIMERA_TEMPLATE = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
};
