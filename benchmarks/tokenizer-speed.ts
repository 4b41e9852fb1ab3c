/**
 * How fast are our tokenizers beside the tokenizers library, which is written in Rust? Speed per core: texts and tokens
 * by the seconds that the process had a processor, all its threads together, so that other work on the machine counts
 * little. A round is one pass over the texts by each, in turn, and a figure is the median of the rounds. The ids have to
 * be equal. The library counts offsets beside the ids; its `encode_batch_fast` does not, and neither do we. Both remember
 * words, and the texts of all rounds are the same: `first pass` is one over them by tokenizers that are new on both sides.
 *
 * npm run bench:tokenizer -- [--environment DIR]
 *
 * DIR is a Python environment that has the library; without it one is made in the folder of temporary files.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Tokenizer } from '@kimera/core';
import { encodeBatch, parseTokenizer } from '@kimera/tokenizers';
import { z } from 'zod';
import { machineLines, percentile, root, table } from './machine.js';

const LIBRARY = 'tokenizers==0.22.2';
const ROUNDS = 5;
/** Half the library's speed is the least that is asked for. */
const LEAST_RATIO = 0.5;
const PEER_CALLS = ['encode', 'encode_batch', 'encode_batch_fast'] as const;
const WHOLE = { maxTokens: 1_000_000 };

const { values } = parseArgs({ options: { environment: { type: 'string' } } });

/** The Python of the environment, made where it is not there. */
function python(): string {
  const folder = values.environment ?? join(tmpdir(), 'kimera-tokenizers');
  const program = join(folder, 'bin/python');
  if (!existsSync(program)) execFileSync('python3', ['-m', 'venv', folder]);
  execFileSync(program, ['-m', 'pip', 'install', '--quiet', LIBRARY], { stdio: ['ignore', 'ignore', 'inherit'] });
  return program;
}

/** The library in a process of its own. */
class Peer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#process = spawn(python(), [join(root, 'benchmarks/peers/tokenizer-speed.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { stdout } = this.#process;
    if (stdout === null) throw new Error('the peer has no output');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  async ask<T>(request: object, answer: z.ZodType<T>): Promise<T> {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the peer ended');
    return answer.parse(JSON.parse(line.value));
  }

  close(): void {
    this.#process.stdin?.end();
  }
}

/** A line each of a file of fixtures. */
function lines<T>(file: string, line: z.ZodType<T>): readonly T[] {
  return readFileSync(join(root, 'fixtures', file), 'utf8')
    .trim()
    .split('\n')
    .map((json) => line.parse(JSON.parse(json)));
}

function textsByKind(): Readonly<Record<string, readonly string[]>> {
  const row = z.object({ language: z.string(), text: z.string() });
  const [questions, sentences] = ['questions', 'sentences'].map((name) => lines(`xquad-r/${name}.jsonl`, row));
  const of = (rows: typeof questions, language: string): readonly string[] =>
    (rows ?? []).flatMap((one) => (one.language === language ? [one.text] : []));
  // FLORES-200: the kind is a language code such as deu_Latn.
  const flores = lines('tokenizers/wordpiece.jsonl', z.object({ kind: z.string(), text: z.string() }))
    .filter(({ kind }) => /^[a-z]{3}_[A-Z][a-z]{3}$/.test(kind))
    .map(({ text }) => text);
  const sources = join(root, 'packages/core/src');
  const code = readdirSync(sources)
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => readFileSync(join(sources, file), 'utf8').split('\n'));
  return {
    'English, questions': of(questions, 'en'),
    'English, paragraphs': joined(of(sentences, 'en'), 12, ' '),
    'many languages, sentences': flores,
    'Chinese, paragraphs': joined(of(sentences, 'zh'), 12, ''),
    'code, 30 lines': joined(code, 30, '\n'),
  };
}

function joined(parts: readonly string[], size: number, between: string): readonly string[] {
  return Array.from({ length: Math.ceil(parts.length / size) }, (_, i) =>
    parts.slice(i * size, (i + 1) * size).join(between),
  );
}

/** The files of the tokenizers that are compared, by what they are. */
function tokenizerFiles(folder: string): Readonly<Record<string, string>> {
  const e5 = join(root, 'models/multilingual-e5-small/tokenizer.json');
  const parts = z
    .looseObject({ normalizer: z.object({ normalizers: z.array(z.unknown()) }), pre_tokenizer: z.unknown() })
    .parse(JSON.parse(readFileSync(e5, 'utf8')));
  const bgeM3 = join(folder, 'bge-m3.json');
  const pretokenizers = [{ type: 'WhitespaceSplit' }, parts.pre_tokenizer];
  writeFileSync(
    bgeM3,
    JSON.stringify({
      ...parts,
      normalizer: parts.normalizer.normalizers[0],
      pre_tokenizer: { type: 'Sequence', pretokenizers },
    }),
  );
  return {
    'WordPiece (MiniLM)': join(root, 'models/all-MiniLM-L6-v2/tokenizer.json'),
    'Unigram (e5)': e5,
    'Unigram after white space (the layout of bge-m3 on the pieces of e5)': bgeM3,
    'byte-level BPE (the layout of RoBERTa, 4,600 pieces)': join(root, 'fixtures/tokenizers/byte-level.json'),
  };
}

/** Processor seconds of each round, by who ran. */
type Rounds = Record<'ours' | 'oursBatch' | (typeof PEER_CALLS)[number], number[]>;

const secondsOf = (work: () => unknown): number => {
  const started = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
};

async function measure(tokenizer: Tokenizer, peer: Peer, texts: readonly string[]): Promise<Rounds> {
  const rounds: Rounds = { ours: [], oursBatch: [], encode: [], encode_batch: [], encode_batch_fast: [] };
  // The first round is for both to get warm.
  for (let round = 0; round <= ROUNDS; round++) {
    const kept = round > 0;
    const ours = secondsOf(() => {
      for (const text of texts) tokenizer.encode(text, WHOLE);
    });
    const oursBatch = secondsOf(() => encodeBatch(tokenizer, texts, WHOLE));
    if (kept) {
      rounds.ours.push(ours);
      rounds.oursBatch.push(oursBatch);
    }
    for (const call of PEER_CALLS) {
      const { seconds } = await peer.ask({ run: call }, z.object({ seconds: z.number() }));
      if (kept) rounds[call].push(seconds);
    }
  }
  return rounds;
}

/** How much faster we are on texts of which neither side has seen a word; our code has run before. */
async function firstPass(path: string, peer: Peer, texts: readonly string[]): Promise<string> {
  await peer.ask({ load: path }, z.object({}));
  const tokenizer = parseTokenizer(readFileSync(path, 'utf8'), path);
  const ours = secondsOf(() => {
    for (const text of texts) tokenizer.encode(text, WHOLE);
  });
  const theirs = await peer.ask({ run: 'encode' }, z.object({ seconds: z.number() }));
  return (theirs.seconds / ours).toFixed(2);
}

/** The library's time over ours: median of the rounds, and their least and greatest. */
function ratio(theirs: readonly number[], ours: readonly number[]): { readonly median: number; readonly text: string } {
  const ratios = theirs.map((seconds, round) => seconds / (ours[round] ?? Number.NaN));
  const median = percentile(ratios, 0.5);
  return { median, text: `${median.toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})` };
}

function hashOf(tokenizer: Tokenizer, texts: readonly string[]): string {
  const rows = texts.map((text) => `${tokenizer.encode(text, WHOLE).ids.join(' ')}\n`);
  return createHash('sha256').update(rows.join('')).digest('hex');
}

const scratch = mkdtempSync(join(tmpdir(), 'kimera-tokenizer-speed-'));
const peer = new Peer();
const missed: string[] = [];
try {
  console.log(`# Our tokenizers beside the tokenizers library, one core each\n\n${machineLines().join('\n')}`);
  const kinds = textsByKind();
  for (const [name, path] of Object.entries(tokenizerFiles(scratch))) {
    const { version, python: pythonVersion } = await peer.ask(
      { load: path },
      z.object({ version: z.string(), python: z.string() }),
    );
    const tokenizer = parseTokenizer(readFileSync(path, 'utf8'), path);
    const rows: string[][] = [];
    for (const [kind, texts] of Object.entries(kinds)) {
      await peer.ask({ texts }, z.object({}));
      const { hash } = await peer.ask({ hash: true }, z.object({ hash: z.string() }));
      if (hash !== hashOf(tokenizer, texts)) throw new Error(`${name}, ${kind}: other ids than the library`);
      const { totalTokens } = encodeBatch(tokenizer, texts, WHOLE);
      const tokens = totalTokens.reduce((sum, one) => sum + one, 0);
      const rounds = await measure(tokenizer, peer, texts);
      const single = ratio(rounds.encode, rounds.ours);
      const batch = ratio(rounds.encode_batch, rounds.oursBatch);
      const fast = ratio(rounds.encode_batch_fast, rounds.oursBatch);
      const least = Math.min(single.median, batch.median, fast.median);
      if (least < LEAST_RATIO) missed.push(`${name}, ${kind}: ${least.toFixed(2)}`);
      const perSecond = (amount: number): string => (amount / percentile(rounds.oursBatch, 0.5)).toFixed(0);
      rows.push([
        kind,
        `${texts.length} of ${(tokens / texts.length).toFixed(0)} tokens`,
        perSecond(texts.length),
        perSecond(tokens),
        single.text,
        batch.text,
        fast.text,
        await firstPass(path, peer, texts),
      ]);
    }
    const calls = PEER_CALLS.map((call) => `× ${call}`);
    const header = ['texts', 'how many', 'texts/s', 'tokens/s', ...calls, '× encode, first pass'];
    console.log(
      `\n## ${name}\n\nBeside tokenizers ${version} in Python ${pythonVersion}; × is our speed over the library's, median of ${ROUNDS} rounds (least–greatest); texts/s and tokens/s are ours, of a processor, in batches.\n\n${table(header, rows)}`,
    );
  }
} finally {
  peer.close();
  rmSync(scratch, { recursive: true });
}
console.log(
  missed.length === 0
    ? `\nEverywhere at least ${LEAST_RATIO} × the library's speed.`
    : `\nBelow ${LEAST_RATIO} × the library's speed: ${missed.join('; ')}`,
);
process.exitCode = missed.length === 0 ? 0 : 1;
