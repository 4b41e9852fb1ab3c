// node tools/build/bundle.mjs [--watch] [FOLDER…]: JavaScript of packages, from src/NAME.ts to dist/NAME.js, without types.
// All packages where none is named. With --watch it goes on, and bundles what changes.
import { copyFileSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, context } from 'esbuild';
import { allPackages, entriesOf, root } from './packages.mjs';

/** What `engines` in package.json promises. */
const TARGET = 'node20.19';

const watching = process.argv.includes('--watch');
const given = process.argv.slice(2).filter((word) => !word.startsWith('--'));
await Promise.all(
  allPackages().map((each) => (given.length === 0 || given.includes(each.folder) ? bundle(each) : undefined)),
);

async function bundle({ folder, manifest }) {
  const absWorkingDir = join(root, folder);
  if (manifest.license === 'Apache-2.0' && manifest.private !== true && !existsSync(join(absWorkingDir, 'LICENSE')))
    copyFileSync(join(root, 'LICENSE'), join(absWorkingDir, 'LICENSE'));
  const names = entriesOf(manifest);
  if (names.length === 0) return;
  removeOld(join(absWorkingDir, 'dist'));
  const options = {
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
    // Not the paths of tsconfig.base.json: packages of the workspace stay outside as others do.
    tsconfigRaw: {},
    logLevel: 'warning',
  };
  await (watching ? (await context(options)).watch() : build(options));
  // A CommonJS consumer gets the same modules: Node's require() takes ES modules without top-level await.
  for (const { require: target } of Object.values(manifest.exports ?? {})) {
    const name = /^\.\/dist\/(.+)\.cjs$/.exec(target?.default ?? '')?.[1];
    if (name !== undefined)
      writeFileSync(join(absWorkingDir, 'dist', `${name}.cjs`), `module.exports = require('./${name}.js');\n`);
  }
}

/** Chunks have the hash of their contents in their names: those of earlier bundles would stay. */
function removeOld(dist) {
  if (!existsSync(dist)) return;
  for (const name of readdirSync(dist)) if (/\.(c?js|js\.map)$/.test(name)) rmSync(join(dist, name));
}

/** What a consumer installs beside the package. A devDependency that the code imports is bundled. */
function outside({ dependencies = {}, optionalDependencies = {}, peerDependencies = {} }) {
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  return names.flatMap((name) => [name, `${name}/*`]);
}

/** Bundled packages of which another file than their entry for Node is taken: name → file. */
function inside({ kimera: { bundled = {} } = {} }) {
  return Object.fromEntries(
    Object.entries(bundled).map(([name, file]) => [name, join(root, 'node_modules', name, file)]),
  );
}
