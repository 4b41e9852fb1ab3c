import { z } from 'zod';
import type { Line } from './read-line-batches.js';

const lineSchema = z.object({ text: z.string() });

/** What is wrong with one line; it is written on the line's place. */
export interface LineError {
  readonly error: { readonly code: string; readonly message: string };
}

/** `{"text": …}`; other keys are ignored. */
export function parseTextLine(line: Line): { readonly text: string } | LineError {
  if ('problem' in line) return invalid(line.problem);
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch {
    return invalid('the line is not JSON');
  }
  const parsed = lineSchema.safeParse(value);
  return parsed.success ? { text: parsed.data.text } : invalid('expected an object with "text", a string');
}

function invalid(message: string): LineError {
  return { error: { code: 'INVALID_LINE', message } };
}
