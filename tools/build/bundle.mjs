// node tools/build/bundle.mjs [FOLDER…]: JavaScript of packages, from src/NAME.ts to dist/NAME.js, without types. All where
// none is named.
import { readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { entriesOf } from './entries.mjs';

/** What `engines` in package.json promises. */
const TARGET = 'node20.19';
const root = fileURLToPath(new URL('../..', import.meta.url));
const given = process.argv.slice(2);
const folders = given.length > 0 ? given : ['packages', 'apps', 'tools'].flatMap(packagesIn);

await Promise.all(folders.map(bundle));

function packagesIn(group) {
  return readdirSync(join(root, group))
    .map((name) => join(group, name))
    .filter((folder) => existsSync(join(root, folder, 'package.json')));
}

/** What a consumer installs beside the package. A devDependency that the code imports is bundled. */
function outside({ dependencies = {}, optionalDependencies = {}, peerDependencies = {} }) {
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).flatMap((name) => [name, `${name}/*`]);
}

/** Bundled packages of which another file than their entry for Node is taken: name → file. */
function inside({ kimera: { bundled = {} } = {} }) {
  return Object.fromEntries(Object.entries(bundled).map(([name, file]) => [name, join(root, 'node_modules', name, file)]));
}

async function bundle(folder) {
  const absWorkingDir = join(root, folder);
  const { manifest, names } = entriesOf(absWorkingDir);
  if (names.length === 0) return;
  for (const name of existsSync(join(absWorkingDir, 'dist')) ? readdirSync(join(absWorkingDir, 'dist')) : [])
    if (/\.(c?js|js\.map)$/.test(name)) rmSync(join(absWorkingDir, 'dist', name));
  await build({
    absWorkingDir,
    entryPoints: names.map((name) => `src/${name}.ts`),
    outdir: 'dist',
    bundle: true,
    // Entries share their modules as chunks, so that a class exists once, whichever entry it comes from.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: TARGET,
    external: outside(manifest),
    alias: inside(manifest),
    sourcemap: true,
    sourcesContent: false,
    tsconfigRaw: {},
    logLevel: 'warning',
  });
  // A CommonJS consumer gets the same modules: Node's require() takes ES modules without top-level await.
  for (const { require: target } of Object.values(manifest.exports ?? {})) {
    const name = /^\.\/dist\/(.+)\.cjs$/.exec(target?.default ?? '')?.[1];
    if (name !== undefined)
      writeFileSync(join(absWorkingDir, 'dist', `${name}.cjs`), `module.exports = require('./${name}.js');\n`);
  }
}
