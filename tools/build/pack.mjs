// npm run pack -- DIR: builds everything and writes the tarballs of all public packages into DIR.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { publicPackages, root } from './packages.mjs';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write('usage: npm run pack -- DIR\n');
  process.exit(64);
}
const destination = resolve(process.env.INIT_CWD ?? '.', folder);
mkdirSync(destination, { recursive: true });
const run = (command, words) => execFileSync(command, words, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
process.stderr.write('building all packages\n');
run('npx', ['nx', 'run-many', '-t', 'build', '--output-style=static']);
const names = publicPackages().map(({ manifest }) => manifest.name);
process.stderr.write(`packing ${names.length} packages\n`);
run('npm', ['pack', '--silent', ...names.flatMap((name) => ['-w', name]), '--pack-destination', destination]);
process.stdout.write(`${names.length} tarballs in ${destination}\n`);
