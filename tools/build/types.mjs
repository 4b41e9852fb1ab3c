// node tools/build/types.mjs FOLDER: declarations of a package, dist/*.d.ts for ES modules and dist/*.d.cts for CommonJS. The
// packages that it imports must have theirs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { entriesOf } from './packages.mjs';

const folder = resolve(process.argv[2] ?? '.');
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const base = ts.readConfigFile(resolve(import.meta.dirname, '../../tsconfig.base.json'), ts.sys.readFile).config;
const { options } = ts.convertCompilerOptionsFromJson(base.compilerOptions, folder);
const typed = entriesOf(manifest).filter((name) => declares(manifest.exports ?? {}, name));
const program = ts.createProgram(
  typed.map((name) => join(folder, 'src', `${name}.ts`)),
  {
    ...options,
    // Other packages as a consumer sees them: by their declarations.
    paths: {},
    rootDir: join(folder, 'src'),
    outDir: join(folder, 'dist'),
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    stripInternal: true,
  },
);
const { diagnostics } = program.emit();
const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
if (problems.length > 0) {
  process.stderr.write(
    ts.formatDiagnostics(problems, {
      getCurrentDirectory: () => process.cwd(),
      getCanonicalFileName: (name) => name,
      getNewLine: () => '\n',
    }),
  );
  process.exit(1);
}
const dist = join(folder, 'dist');
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
