// Runs a checkpoint through sentence-transformers, in a virtual environment of its own, and compares our conversion:
// npm run witness -- CHECKPOINT [--folder CONVERTED] [--trust-remote-code] [--environment DIR]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** float32 on both sides. */
const COSINE = 0.99999;
const here = fileURLToPath(new URL('.', import.meta.url));
const kimera = fileURLToPath(new URL('../kimera/bin/kimera.mjs', import.meta.url));
const requirements = join(here, 'requirements.txt');
const say = (text) => process.stderr.write(`witness: ${text}\n`);

class WitnessError extends Error {}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string' },
    environment: { type: 'string' },
    'trust-remote-code': { type: 'boolean', default: false },
  },
});
const [checkpoint] = positionals;

const long = Array.from({ length: 3000 }, (_, i) => `Section ${i} is about the number ${i * i}.`).join(' ');
const TEXTS = [
  'How do I reset my PASSWORD?',
  'Ein schönes Café in München kostet 3,50 €.',
  'naïve façade, résumé, Ångström, İstanbul ß',
  long,
  'HELLO WORLD! hello world',
  '北京是中国的首都。',
  'Какая сегодня погода?',
  'ｆｕｌｌ ｗｉｄｔｈ ﬁ and 🙂 👨‍👩‍👧',
  '',
  '  two  spaces, tabs\tand\nlines',
  'a [MASK] and a [SEP], a <mask> and a </s>',
];

/** Runs a program to its end. @throws WitnessError with the end of what it printed. */
function run(program, words, input, note, allowed = [0]) {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: 'utf8',
    input,
    maxBuffer: 1 << 30,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (error !== undefined)
    throw new WitnessError(`${note}: ${program} does not start (${error.code ?? error.message})`);
  if (!allowed.includes(status))
    throw new WitnessError(`${note}: ${program} ended with ${status}\n${(stderr || stdout).trim().slice(-2000)}`);
  return stdout;
}

/** The Python of an environment that has the pinned packages; made where it is not there. */
function python() {
  const pinned = readFileSync(requirements, 'utf8');
  const digest = createHash('sha256').update(pinned).digest('hex').slice(0, 12);
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = resolve(options.environment ?? join(cache, 'kimera', `witness-${digest}`));
  const program = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const done = join(folder, 'witness-requirements.txt');
  if (existsSync(program) && existsSync(done) && readFileSync(done, 'utf8') === pinned) {
    say(`environment ${folder}`);
    return program;
  }
  if (options.environment !== undefined && existsSync(program)) {
    run(program, ['-c', 'import sentence_transformers'], '', `${folder} has no sentence-transformers`);
    say(`environment ${folder}: its own versions, not those of requirements.txt`);
    return program;
  }
  say(
    `making the environment ${folder} with ${pinned.trim().split('\n').join(', ')}: some minutes and about 2 GB, once`,
  );
  run('python3', ['-m', 'venv', folder], '', 'the environment cannot be made (needed: Python 3.10 or later with venv)');
  run(
    program,
    ['-m', 'pip', 'install', '--quiet', '--requirement', requirements],
    '',
    'pip cannot install the packages',
  );
  writeFileSync(done, pinned);
  return program;
}

function convert(scratch) {
  if (options.folder !== undefined) return resolve(options.folder);
  const out = join(scratch, 'model');
  say('converting the checkpoint');
  run(process.execPath, [kimera, 'models', 'convert', resolve(checkpoint), '--out', out], '', 'the conversion refuses');
  return out;
}

/** What a command answers for texts, a line each. A text that it refuses is a line with `error`, and the exit code 1. */
function answers(command, folder, texts, more = []) {
  const input = texts.map((text) => `${JSON.stringify({ text })}\n`).join('');
  const words = [kimera, command, '--model', folder, ...more];
  return run(process.execPath, words, input, `kimera ${command}`, [0, 1])
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function cosine(a, b) {
  if (a === undefined || b === undefined || a.length !== b.length) return -1;
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function compare(folder, expected) {
  const rows = [];
  const row = (what, theirs, mine, holds) => rows.push([what, String(theirs), String(mine), holds ? 'yes' : 'NO']);
  const space = JSON.parse(readFileSync(join(folder, 'space.json'), 'utf8')).identity;
  row('limit', expected.limit, space.maxTokens, expected.limit === null || expected.limit === space.maxTokens);
  const own = { ...space.prompts, ...space.namedPrompts };
  for (const [name, text] of Object.entries(expected.prompts))
    row(`prompt ${name}`, JSON.stringify(text), JSON.stringify(own[name] ?? null), (text ?? '') === own[name]);
  const groups = [
    ['no prompt named', undefined, TEXTS, expected.without],
    ...Object.entries(expected.prompted)
      .filter(([, rows_]) => rows_.length > 0)
      .map(([name, theirs]) => [`prompt ${name}`, name, TEXTS.slice(0, theirs.length), theirs]),
  ];
  for (const [what, role, texts, theirs] of groups) {
    const readable = theirs.flatMap((one, i) => (one.error === undefined ? [i] : []));
    for (const one of theirs)
      if (one.error !== undefined) say(`${what}: sentence-transformers fails on a text: ${one.error}`);
    const given = readable.map((i) => texts[i]);
    const mine = answers('embed', folder, given, [
      '--variant',
      'full',
      ...(role === undefined ? [] : ['--role', role]),
    ]);
    const prompt = own[role ?? space.defaultRole] ?? '';
    const tokens = answers(
      'tokenize',
      folder,
      given.map((text) => prompt + text),
    );
    const equal = readable.filter((i, at) => theirs[i].ids.join() === tokens[at].ids?.join()).length;
    row(`${what}: token ids`, `${readable.length} texts`, `${equal} equal`, equal === readable.length);
    const cosines = readable.map((i, at) => cosine(theirs[i].vector, mine[at].dense));
    const least = Math.min(...cosines);
    row(`${what}: vectors`, `cosine ≥ ${COSINE}`, `min ${least.toFixed(7)}`, least >= COSINE);
    const norm = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    const off = Math.max(...readable.map((i, at) => Math.abs(norm(mine[at].dense ?? []) / norm(theirs[i].vector) - 1)));
    row(`${what}: lengths of vectors`, 'equal ± 0.0001', `off by ${off.toExponential(1)}`, off <= 1e-4);
  }
  return rows;
}

function print(rows) {
  const table = [['COMPARED', 'SENTENCE-TRANSFORMERS', 'KIMERA', 'HOLDS'], ...rows];
  const widths = table[0].map((_, i) => Math.max(...table.map((cells) => cells[i].length)));
  for (const cells of table)
    console.log(
      cells
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    );
}

const scratch = mkdtempSync(join(tmpdir(), 'kimera-witness-'));
try {
  if (checkpoint === undefined)
    throw new WitnessError(
      'usage: npm run witness -- CHECKPOINT [--folder CONVERTED] [--trust-remote-code] [--environment DIR]',
    );
  if (!existsSync(checkpoint)) throw new WitnessError(`${checkpoint} is not there`);
  const program = python();
  const trust = options['trust-remote-code'] ? ['--trust-remote-code'] : [];
  say(`sentence-transformers on ${checkpoint}${trust.length > 0 ? ', with the code that it brings' : ''}`);
  const expected = JSON.parse(
    run(
      program,
      [join(here, 'witness.py'), resolve(checkpoint), ...trust],
      JSON.stringify(TEXTS),
      'sentence-transformers',
    ),
  );
  const rows = compare(convert(scratch), expected);
  print(rows);
  const failed = rows.filter(([, , , holds]) => holds !== 'yes').length;
  console.log(failed === 0 ? 'every line holds' : `${failed} of ${rows.length} lines do not hold`);
  process.exitCode = failed === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof WitnessError)) throw error;
  say(error.message);
  process.exitCode = 2;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
