// npm run check:packages [-- --node 20,22,24] [--tarballs DIR]: packs all public packages, lints the tarballs with publint
// and arethetypeswrong, installs them in an empty folder and uses them there as a consumer does. Without --node the checks
// run on the Node that runs this.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { publicPackages, root } from './packages.mjs';

const { values } = parseArgs({ options: { node: { type: 'string' }, tarballs: { type: 'string' } } });
const scratch = mkdtempSync(join(tmpdir(), 'kimera-packages-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const run = promisify(execFile);
let passed = 0;
let failed = 0;

const tarballs = values.tarballs === undefined ? join(scratch, 'tarballs') : resolve(values.tarballs);
if (values.tarballs === undefined)
  execFileSync(process.execPath, [join(root, 'tools/build/pack.mjs'), tarballs], { stdio: 'inherit' });
const files = readdirSync(tarballs).map((name) => join(tarballs, name));
for (const { folder, manifest } of publicPackages()) {
  if (folder.startsWith('models')) continue;
  const file = join(tarballs, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`);
  await check(`publint ${manifest.name}`, () => npx(['publint', 'run', file, '--strict']));
  // node10 reads no `exports`; every Node that `engines` allows does.
  if (manifest.exports['.'] !== undefined)
    await check(`arethetypeswrong ${manifest.name}`, () => npx(['attw', file, '--profile', 'node16', '--quiet']));
}

const consumer = join(scratch, 'consumer');
cpSync(join(root, 'tools/build/consumers'), consumer, { recursive: true });
writeFileSync(join(consumer, 'package.json'), '{ "name": "consumer", "private": true }\n');
// What README says for npm that runs install scripts; onnxruntime-node's would download CUDA.
const environment = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
await check('npm install of the tarballs', () =>
  run('npm', ['install', '--no-audit', '--no-fund', ...files], { cwd: consumer, env: environment }),
);
for (const version of values.node?.split(',') ?? [undefined]) {
  const node = version === undefined ? process.execPath : await fetchNode(version);
  const at = `Node ${(await run(node, ['--version'])).stdout.trim()}: `;
  const program = (...words) => run(node, words, { cwd: consumer, env: environment, timeout: 120_000 });
  const kimera = (...words) => program('node_modules/@kimera/cli/bin/kimera.mjs', ...words);
  const libraries = publicPackages().filter(({ folder }) => folder.startsWith('packages'));
  await check(`${at}each class exists once under ESM and CommonJS`, () =>
    program('one-class.mjs', ...libraries.map(({ manifest }) => manifest.name)),
  );
  await check(`${at}ESM and CommonJS programs give the same vectors, workers included`, async () => {
    const [esm, common] = [await program('esm.mjs'), await program('common.cjs')];
    if (esm.stdout !== common.stdout || !esm.stdout.includes('"dimension":384'))
      throw new Error(`${esm.stdout}${common.stdout}`);
  });
  await check(`${at}kimera --help`, () => kimera('--help'));
  await check(`${at}kimera doctor`, () => kimera('doctor'));
  await check(`${at}kimera similarity`, () => kimera('similarity', 'a cat', 'a kitten'));
  await check(`${at}kimera serve answers`, () =>
    serves(node, ['node_modules/@kimera/cli/bin/kimera.mjs', 'serve', '--port', '0']),
  );
  await check(`${at}@kimera/api answers`, () => serves(node, ['node_modules/@kimera/api/bin/kimera-api.mjs']));
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

async function check(name, action) {
  const started = performance.now();
  try {
    await action();
    passed += 1;
    process.stdout.write(`ok      ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`FAILED  ${name}\n${error.stdout ?? ''}${error.stderr ?? ''}${error.message}\n`);
  }
}

function npx(words) {
  return run('npx', ['--no-install', ...words], { cwd: root });
}

/** Path of a Node of this major version, as npm's package `node` brings it. */
async function fetchNode(version) {
  const folder = join(scratch, `node-${version}`);
  mkdirSync(folder);
  const { stdout } = await run('npm', ['pack', '--silent', `node-${process.platform}-${process.arch}@${version}`], {
    cwd: folder,
  });
  await run('tar', ['-xzf', stdout.trim().split('\n').at(-1)], { cwd: folder });
  return join(folder, 'package/bin/node');
}

/** Starts a server on a free port and asks it for one vector. */
async function serves(node, words) {
  const child = spawn(node, words, {
    cwd: consumer,
    env: { ...environment, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const url = await new Promise((resolvePromise, reject) => {
      let text = '';
      const read = (chunk) => {
        text += String(chunk);
        const found = /listening on (http:\/\/[^"\s]+)/.exec(text)?.[1];
        if (found !== undefined) resolvePromise(found);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
    });
    const response = await fetch(`${url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'all-MiniLM-L6-v2', input: 'Hello world' }),
    });
    const { data } = await response.json();
    if (data[0].embedding.length !== 384) throw new Error(`${data[0].embedding.length} numbers`);
  } finally {
    child.kill('SIGTERM');
    await new Promise((ended) => (child.exitCode === null ? child.once('exit', ended) : ended()));
  }
}
