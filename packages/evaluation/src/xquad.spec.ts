import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

interface Sentence {
  readonly id: string;
  readonly language: string;
  readonly text: string;
}
interface Question extends Sentence {
  readonly key: string;
  readonly answer: string;
}

const folder = join(fileURLToPath(import.meta.url), '../../../../fixtures/xquad-r');
function lines(name: string): readonly unknown[] {
  return readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}
const sentences = lines('sentences.jsonl') as readonly Sentence[];
const questions = lines('questions.jsonl') as readonly Question[];

it('the judged questions have their answer among the sentences of their language, and their translations in every other', () => {
  const byId = new Map(sentences.map((sentence) => [sentence.id, sentence]));
  expect(byId.size).toBe(sentences.length);
  expect(questions.filter(({ answer, language }) => byId.get(answer)?.language !== language)).toEqual([]);
  const keys = (language: string): readonly string[] =>
    questions.filter((question) => question.language === language).map(({ key }) => key);
  for (const language of ['en', 'de', 'es', 'zh', 'ar']) {
    expect(keys(language)).toEqual(keys('en'));
    const texts = sentences.filter((sentence) => sentence.language === language).map(({ text }) => text);
    expect(new Set(texts).size).toBe(texts.length);
  }
  expect(new Set(keys('en')).size).toBe(1_190);
});
