// node tools/build/types.mjs FOLDER: declarations of a package, dist/*.d.ts for ES modules and dist/*.d.cts for CommonJS. The
// packages that it imports must have theirs.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { entriesOf } from './packages.mjs';

const TSC = join(createRequire(import.meta.url).resolve('typescript-7/package.json'), '../bin/tsc');
const folder = resolve(process.argv[2] ?? '.');
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const dist = join(folder, 'dist');
const typed = entriesOf(manifest).filter((name) => declares(manifest.exports ?? {}, name));
if (typed.length === 0) process.exit(0);
const configuration = join(dist, 'tsconfig.json');
mkdirSync(dist, { recursive: true });
writeFileSync(
  configuration,
  JSON.stringify({
    extends: resolve(import.meta.dirname, '../../tsconfig.base.json'),
    files: typed.map((name) => join(folder, 'src', `${name}.ts`)),
    compilerOptions: {
      // Other packages as a consumer sees them: by their declarations.
      paths: {},
      rootDir: join(folder, 'src'),
      outDir: dist,
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
    },
  }),
);
const { status } = spawnSync(process.execPath, [TSC, '-p', configuration], { cwd: folder, stdio: 'inherit' });
rmSync(configuration);
if (status !== 0) process.exit(1);
for (const name of readdirSync(dist, { recursive: true })) {
  if (!name.endsWith('.d.ts')) continue;
  const text = readFileSync(join(dist, name), 'utf8');
  writeFileSync(
    join(dist, name.replace(/\.d\.ts$/, '.d.cts')),
    text.replace(/(['"])(\.{1,2}\/[^'"]+)\.js\1/g, '$1$2.cjs$1'),
  );
}

/** Whether `exports` names declarations for this entry; those that are started and not imported have none. */
function declares(exports, name) {
  return JSON.stringify(exports).includes(`./dist/${name}.d.ts`);
}
