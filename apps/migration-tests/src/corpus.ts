import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

export const LANGUAGES = ['en', 'de', 'es', 'zh', 'ar'] as const;
export type Language = (typeof LANGUAGES)[number];

const language = z.enum(LANGUAGES);
const sentenceSchema = z.object({ id: z.string(), language, text: z.string() });
const questionSchema = z.object({ id: z.string(), key: z.string(), language, text: z.string(), answer: z.string() });
export type Sentence = z.infer<typeof sentenceSchema>;
/**
 * `key` is the same for the same question in every language; `answer` is the id of the sentence that answers it, in the
 * question's language.
 */
export type Question = z.infer<typeof questionSchema>;

/** XQuAD-R: sentences, and questions whose answer sentence is known. */
export interface Corpus {
  readonly sentences: readonly Sentence[];
  readonly questions: readonly Question[];
}

export async function readCorpus(folder: string): Promise<Corpus> {
  return {
    sentences: await readLines(join(folder, 'sentences.jsonl'), sentenceSchema),
    questions: await readLines(join(folder, 'questions.jsonl'), questionSchema),
  };
}

/** One parsed JSON document a line. */
export async function readLines<T>(path: string, schema: z.ZodType<T>): Promise<readonly T[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => schema.parse(JSON.parse(line)));
}
