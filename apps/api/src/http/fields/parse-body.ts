import type { z } from 'zod';
import { HttpError } from '../../errors.js';
import { inPlainWords } from './plain-words.js';

/** The body in the schema's type. @throws HttpError naming the first field that is wrong. */
export function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body, { reportInput: true });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new Error('a schema refused a body without saying why');
  const param = issue.path.join('.');
  if (param === '') throw new HttpError('invalid_request', `the body must be a JSON object: ${inPlainWords(issue)}`);
  throw new HttpError('invalid_request', `${param}: ${inPlainWords(issue)}`, param);
}
