import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTokenizerPool } from '@kimera/tokenizers';
import { z } from 'zod';
import { root } from '../machine.js';

const sentenceSchema = z.object({ language: z.string(), text: z.string() });

/** English prose of Wikipedia (fixtures/xquad-r), word by word, with how many tokens each word has. */
export class Prose {
  readonly #words: readonly (readonly [word: string, tokens: number])[];
  /** Tokens that the model puts around a text. */
  readonly #around: number;
  #at = 0;

  private constructor(words: readonly (readonly [string, number])[], around: number) {
    this.#words = words;
    this.#around = around;
  }

  /** @param tokenizerPath a tokenizer.json that reads words apart, as those of BERT and XLM-RoBERTa do. */
  static async open(tokenizerPath: string): Promise<Prose> {
    const lines = (await readFile(join(root, 'fixtures/xquad-r/sentences.jsonl'), 'utf8')).trimEnd().split('\n');
    const sentences = lines.map((line) => sentenceSchema.parse(JSON.parse(line)));
    const words = sentences
      .filter(({ language }) => language === 'en')
      .flatMap(({ text }) => text.split(/\s+/).filter((word) => word !== ''));
    const pool = await createTokenizerPool({ tokenizerPath });
    try {
      const { totalTokens } = await pool.encodeBatch(['', ...words], { maxTokens: 1_000_000 });
      const around = totalTokens[0] ?? 0;
      return new Prose(
        words.map((word, i) => [word, (totalTokens[i + 1] ?? 0) - around] as const),
        around,
      );
    } finally {
      await pool.close();
    }
  }

  /** The next text of exactly so many tokens; a word that would be too long is left out. No two are equal. */
  text(tokens: number): string {
    const taken: string[] = [];
    let left = tokens - this.#around;
    while (left > 0) {
      const [word = '', length = 0] = this.#words[this.#at++ % this.#words.length] ?? [];
      if (length > left) continue;
      taken.push(word);
      left -= length;
    }
    return taken.join(' ');
  }
}
