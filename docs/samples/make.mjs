// node docs/samples/make.mjs: the samples of the migration guide, from fixtures/xquad-r (PROVENANCE.md).
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SENTENCES_A_LANGUAGE = 60;
const read = (name) =>
  readFileSync(new URL(`../../fixtures/xquad-r/${name}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const write = (name, rows) =>
  writeFileSync(fileURLToPath(new URL(name, import.meta.url)), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

const sentences = read('sentences.jsonl');
const rows = ['en', 'de'].flatMap((language) =>
  sentences.filter((sentence) => sentence.language === language).slice(0, SENTENCES_A_LANGUAGE),
);
const ids = new Set(rows.map(({ id }) => id));
const judged = read('questions.jsonl').filter(({ answer }) => ids.has(answer));

write(
  'docs.jsonl',
  rows.map(({ id, text }) => ({ id, text })),
);
write(
  'judged.jsonl',
  judged.map(({ text, answer, language }) => ({ text, relevant: [answer], slice: language })),
);
