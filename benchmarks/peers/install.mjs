/* eslint no-console: off */
// Installs the libraries and servers that `npm run bench` measures Kimera beside, each in an environment of its own, from
// PyPI and npm as they are configured:
//   npm run bench:peers -- --help
// A peer that does not install is written down as missing, with the reason, in FOLDER/peers.json; the others are installed, and
// the exit code is 1. Needed: Python 3.10 to 3.12 with venv, and npm.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** Versions are those that the results in benchmarks/results name. */
const TORCH = 'torch==2.15.0';
const PEERS = [
  {
    name: 'sentence-transformers',
    python: [
      TORCH,
      'sentence-transformers==5.7.0',
      'transformers==4.57.6',
      'onnx==1.21.0',
      'onnxruntime==1.30.0',
      'optimum==2.1.0',
      'optimum-onnx==0.1.0',
    ],
    check: 'import torch, sentence_transformers, onnxruntime, optimum.onnxruntime',
  },
  { name: 'fastembed', python: ['fastembed==0.9.1', 'onnxruntime==1.30.0'], check: 'import fastembed' },
  {
    name: 'infinity',
    // PyTorch, 5 GB with what comes with it, is taken from there.
    base: 'sentence-transformers',
    // The newest of the libraries below it that it still starts with.
    python: [
      TORCH,
      'infinity-emb[server,torch]==0.0.77',
      'transformers==4.49.0',
      'sentence-transformers==3.4.1',
      'optimum==1.24.0',
      'click==8.1.8',
    ],
    check: 'import infinity_emb, torch',
    program: 'infinity_emb',
  },
  { name: 'transformers-js', npm: ['@huggingface/transformers@4.3.1'], module: '@huggingface/transformers' },
  // Writes the model's file for node-llama-cpp.
  {
    name: 'gguf',
    python: ['gguf==0.19.0', 'safetensors==0.8.0', 'numpy==2.4.6'],
    check: 'import gguf, safetensors.numpy',
  },
  { name: 'node-llama-cpp', npm: ['node-llama-cpp@3.22.1'], module: 'node-llama-cpp' },
];

const USAGE = `npm run bench:peers -- [FOLDER] [options]

Installs the libraries and servers that npm run bench measures Kimera beside, each in an environment of its own.

  FOLDER        default: kimera/peers in the user's cache; about 8 GB and ten minutes, what is there is kept
  --only LIST   of ${PEERS.map(({ name }) => name).join(', ')}; default: all
  --again       installs them again
`;
const { values, positionals } = givenOptions();
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const folder = resolve(positionals[0] ?? join(cache, 'kimera', 'peers'));
const only = values.only?.split(',');
const unknown = only?.filter((name) => !PEERS.some((peer) => peer.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(`no peer ${unknown.join(', ')}: they are ${PEERS.map(({ name }) => name).join(', ')}`);
  process.exit(64);
}

function givenOptions() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        only: { type: 'string' },
        again: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(64);
  }
}

/** @throws with the end of what it printed. */
function run(program, words, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (error !== undefined) throw new Error(`${program} does not start: ${error.code ?? error.message}`);
  if (status !== 0) {
    const lines = `${stdout}\n${stderr}`.trim().split('\n');
    throw new Error(lines.slice(-3).join(' ').slice(-600));
  }
  return stdout;
}

/** The folder of an environment's packages. */
function packagesOf(interpreter) {
  return run(interpreter, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']).trim();
}

function installPython({ name, python, check, program, base }) {
  const home = join(folder, name);
  const bin = join(home, process.platform === 'win32' ? 'Scripts' : 'bin');
  const interpreter = join(bin, 'python');
  run('python3', ['-m', 'venv', home]);
  const shared = known[base]?.python;
  if (shared !== undefined) writeFileSync(join(packagesOf(interpreter), `${base}.pth`), `${packagesOf(shared)}\n`);
  run(interpreter, ['-m', 'pip', 'install', '--quiet', ...python]);
  run(interpreter, ['-c', check]);
  const frozen = JSON.parse(run(interpreter, ['-m', 'pip', 'list', '--format', 'json']));
  const named = new Set(python.map((requirement) => requirement.split(/[[=]/)[0]));
  const versions = Object.fromEntries(
    frozen
      .filter((entry) => named.has(entry.name.toLowerCase().replaceAll('_', '-')))
      .map((entry) => [entry.name, entry.version]),
  );
  return { python: interpreter, versions, ...(program === undefined ? {} : { program: join(bin, program) }) };
}

function installNpm({ name, npm, module }) {
  const home = join(folder, name);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true }));
  // Install scripts download CUDA libraries and compilers; what the processor needs is in the packages.
  const command = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  run(command, ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact', ...npm], { cwd: home });
  const { version } = JSON.parse(readFileSync(join(home, 'node_modules', module, 'package.json'), 'utf8'));
  return { home, versions: { [module]: version } };
}

mkdirSync(folder, { recursive: true });
const record = join(folder, 'peers.json');
const known = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : {};
for (const peer of PEERS) {
  if (only !== undefined && !only.includes(peer.name)) continue;
  const wanted = [...(peer.python ?? []), ...(peer.npm ?? [])].join(' ');
  const before = known[peer.name];
  if (!values.again && before?.wanted === wanted && before.missing === undefined) {
    console.error(`${peer.name}: there already`);
    continue;
  }
  console.error(`${peer.name}: installing ${wanted}`);
  try {
    rmSync(join(folder, peer.name), { recursive: true, force: true });
    known[peer.name] = { wanted, ...(peer.python === undefined ? installNpm(peer) : installPython(peer)) };
  } catch (error) {
    known[peer.name] = { wanted, missing: error.message };
  }
  writeFileSync(record, `${JSON.stringify(known, null, 2)}\n`);
}
for (const { name } of PEERS) {
  const { versions, missing = 'not installed' } = known[name] ?? {};
  const list = Object.entries(versions ?? {}).map((entry) => entry.join(' '));
  console.log(`${name}: ${versions === undefined ? `MISSING: ${missing}` : list.join(', ')}`);
}
console.log(`in ${folder}`);
if (PEERS.some(({ name }) => known[name]?.versions === undefined)) process.exitCode = 1;
