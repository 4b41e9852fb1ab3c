import type { JudgedQuery } from '@kimera/migration';
import { LANGUAGES, type Corpus, type Language } from './corpus.js';

const QUESTIONS_PER_LANGUAGE = 300;
/** Steps through the questions of a language; prime, so that any fixed number is spread over all of them. */
const STRIDE = 379;

/**
 * 300 questions a language, always the same; every language's sentence that answers the question is relevant. Languages
 * are slices.
 */
export function judgedQueries(
  { questions }: Corpus,
  languages: readonly Language[] = LANGUAGES,
  perLanguage = QUESTIONS_PER_LANGUAGE,
): readonly JudgedQuery[] {
  const answers = new Map<string, Record<string, number>>();
  for (const { key, language, answer } of questions)
    if (languages.includes(language)) answers.set(key, { ...answers.get(key), [answer]: 1 });
  return languages.flatMap((language) => {
    const asked = questions.filter((question) => question.language === language);
    return Array.from(
      { length: Math.min(perLanguage, asked.length) },
      (_, i) => asked[(i * STRIDE) % asked.length],
    ).flatMap((question) =>
      question === undefined
        ? []
        : [{ id: question.id, text: question.text, relevant: answers.get(question.key) ?? {}, slice: language }],
    );
  });
}
