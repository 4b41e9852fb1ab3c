import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { KimeraError } from '@kimera/core';
import { z } from 'zod';

export interface Configuration {
  readonly modelPath: string;
  readonly dimension: number | undefined;
  readonly batchTokens: number | undefined;
  readonly autoTruncate: boolean;
  readonly apiKeys: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly bodyLimitBytes: number;
}

/** An environment variable with a value that cannot be used. */
export class InvalidEnvironmentError extends KimeraError {
  readonly code = 'INVALID_ENVIRONMENT';
  constructor(readonly variable: string, readonly value: string, readonly expected: string) {
    super(`${variable}=${value}: expected ${expected}`, { variable, value, expected });
  }
}

const BODY_LIMIT_BYTES = 8 << 20;
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const whole = z.coerce.number().int().positive();
const schema = z.object({
  USE_ONNX: z.literal('1', 'expected 1: the native backend is the only one').default('1'),
  LIGHTWEIGHT_EMBEDDING: z.literal('0', 'expected 0: there is no light model').default('0'),
  FALLBACK_SPACE: z.literal('', 'expected nothing: there is no fallback space').default(''),
  ONNX_EXECUTION_PROVIDERS: z.literal('cpu', 'expected cpu').default('cpu'),
  ONNX_MODEL_PATH: z.string().min(1).optional(),
  EMBEDDING_DIM: whole.optional(),
  EMBEDDING_BATCH_SIZE: whole.max(65_536).optional(),
  AUTO_TRUNCATE: z.enum(['0', '1']).default('0'),
  KIMERA_API_KEYS: z.string().default(''),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
});

/** @param root folder that relative paths start from. @throws InvalidEnvironmentError. */
export function parseConfiguration(environment: Readonly<Record<string, string | undefined>>, root: string): Configuration {
  const parsed = schema.safeParse(environment);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const variable = String(issue?.path[0] ?? '');
    throw new InvalidEnvironmentError(variable, environment[variable] ?? '', issue?.message ?? 'another value');
  }
  const value = parsed.data;
  const apiKeys = value.KIMERA_API_KEYS.split(',').map((key) => key.trim()).filter((key) => key !== '');
  if (apiKeys.length === 0 && !LOOPBACK.includes(value.HOST)) {
    throw new InvalidEnvironmentError('HOST', value.HOST, `a loopback address (${LOOPBACK.join(', ')}), or KIMERA_API_KEYS set`);
  }
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(root, path));
  const preferred = join(root, 'models/bge-m3-onnx');
  return {
    modelPath: value.ONNX_MODEL_PATH === undefined ? (existsSync(preferred) ? preferred : join(root, 'models/all-MiniLM-L6-v2')) : absolute(value.ONNX_MODEL_PATH),
    dimension: value.EMBEDDING_DIM,
    batchTokens: value.EMBEDDING_BATCH_SIZE,
    autoTruncate: value.AUTO_TRUNCATE === '1',
    apiKeys,
    host: value.HOST,
    port: value.PORT,
    bodyLimitBytes: BODY_LIMIT_BYTES,
  };
}
