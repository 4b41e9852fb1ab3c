/**
 * Does the time of the tokenizers grow with the length of the text and no faster, whatever the text is made of? A text
 * of 1 MB has to take under 2 s in both. Prints seconds by length, and the time of 2 MB over that of 1 MB: 2 is linear,
 * 4 is quadratic.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTokenizer } from '@kimera/tokenizers';
import { machineLines, root, table } from './machine.js';

const LENGTHS = [0.25, 0.5, 1, 2];
/** UTF-16 units of 1 MB of each text; texts beyond ASCII have more bytes. */
const MEGABYTE = 1 << 20;
const LIMIT_SECONDS = 2;
const TEXTS = {
  prose: "The quick brown fox jumps over the lazy dog, and 42 others don't. ",
  'no spaces': 'xyzzy',
  'one letter': 'a',
  Chinese: '中文文本没有空格',
  Russian: 'Съешь же ещё этих мягких французских булок ',
  accents: 'e\u0301a\u0300 ',
  'combining marks': '\u0301',
  'line ends': '\r\n',
  emoji: '👩‍👩‍👧‍👦',
  punctuation: '!?.,',
  'special tokens': '[CLS]</s><mask>',
} as const;

const missed: string[] = [];
console.log(`# Tokenizers: time against length\n\n${machineLines().join('\n')}\n`);
for (const name of ['all-MiniLM-L6-v2', 'multilingual-e5-small']) {
  const path = join(root, 'models', name, 'tokenizer.json');
  const tokenizer = parseTokenizer(readFileSync(path, 'utf8'), path);
  tokenizer.encode(TEXTS.prose.repeat(2_000), { maxTokens: 256 });
  const rows = Object.entries(TEXTS).map(([what, unit]) => {
    const seconds = LENGTHS.map((length) => {
      const text = unit.repeat(Math.ceil((length * MEGABYTE) / unit.length));
      // The better of two: the first one may pay for the growth of the heap.
      return Math.min(
        ...[0, 1].map(() => {
          const started = performance.now();
          tokenizer.encode(text, { maxTokens: 256 });
          return (performance.now() - started) / 1000;
        }),
      );
    });
    const [, , one = 0, two = 0] = seconds;
    if (one > LIMIT_SECONDS) missed.push(`${name}, ${what}: ${one.toFixed(2)} s`);
    return [what, ...seconds.map((value) => value.toFixed(3)), (two / one).toFixed(2)];
  });
  console.log(`## ${name}\n\n${table(['text', ...LENGTHS.map((length) => `${length} MB, s`), '2 MB ÷ 1 MB'], rows)}\n`);
}
console.log(
  missed.length === 0
    ? `Every text of 1 MB takes under ${LIMIT_SECONDS} s.`
    : `Over ${LIMIT_SECONDS} s at 1 MB: ${missed.join('; ')}`,
);
process.exitCode = missed.length === 0 ? 0 : 1;
