import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { EXECUTION_PROVIDERS, type ExecutionProvider } from '@kimera/backend-onnx';
import { VARIANT_CHOICES, type VariantChoice } from '@kimera/core';
import type { QueueSeconds } from '@kimera/embedder';
import { z } from 'zod';
import { parseApiKey, SCOPES, type ApiKey } from './api-key.js';
import { InvalidEnvironmentError } from './errors.js';
import { serviceLimits, serviceLimitsSchema, type ServiceLimits } from './service-limits.js';
import { list, seconds, whole } from './setting-types.js';
import { shippedModel, shippedModels } from './shipped-models.js';
import { WEB_FIELDS, webSettings, type WebSettings } from './web-settings.js';

export interface Configuration {
  readonly modelPath: string;
  /** Of the light model. */
  readonly lightModelPath: string;
  /** False: the native backend is not used. */
  readonly useOnnx: boolean;
  /** Of the native backend, in the order in which they are wanted. */
  readonly executionProviders: readonly ExecutionProvider[];
  /** Precision of the models that are served. */
  readonly variant: VariantChoice;
  /** Cache folder of the user where packed weights are kept; undefined: nothing is kept. */
  readonly cacheFolder: string | undefined;
  /** Sessions of a model side by side, which share the processors; undefined: as the load asks for. */
  readonly workers: number | undefined;
  /** True: the light model alone, in its own space. */
  readonly lightweight: boolean;
  /** What serves, in its own space, when nothing serves the model's. */
  readonly fallbackSpace: 'light' | undefined;
  /** Tokens of an input at most. */
  readonly maxInputTokens: number | undefined;
  readonly cacheBytes: number;
  readonly dimension: number | undefined;
  readonly batchTokens: number | undefined;
  /** A request that would wait longer is refused. */
  readonly maxQueueSeconds: QueueSeconds;
  readonly autoTruncate: boolean;
  readonly apiKeys: readonly ApiKey[];
  /** Whether /metrics is answered without a key. */
  readonly openMetrics: boolean;
  /** Where traces are sent; undefined: none are made. */
  readonly traceEndpoint: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly web: WebSettings;
  /** Size of a request at most. */
  readonly bodyLimitBytes: number;
  readonly limits: ServiceLimits;
  /** Of collections: the address of a server, or the folder of an embedded database. Undefined: there is none. */
  readonly database: string | undefined;
  /** True: the server keeps the collections of its database current. */
  readonly keep: boolean;
  /** Of the time, that a model works for that at most: above 0, up to 1. */
  readonly keepModelShare: number;
  /** Where the models of collections are looked for. */
  readonly modelFolders: readonly string[];
  /** Folders of models that are served beside the one at `modelPath`, under their own names. */
  readonly morePaths: readonly string[];
  /** More names: alias → name of a model. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Which of `morePaths` are opened before the server listens: names or aliases. The others when they are first asked for. */
  readonly preload: 'all' | readonly string[];
  /** A model that was opened when it was asked for is closed after so long without a request. Undefined: never. */
  readonly modelIdleSeconds: number | undefined;
  /** Of the models that are opened when they are asked for: bytes of their files at most. */
  readonly modelMemoryBytes: number | undefined;
  /** Whether folders that change are opened again, and whether another space is taken from them. */
  readonly modelReload: ModelReload;
}

export const MODEL_RELOADS = ['off', 'same-space', 'any-space'] as const;
export type ModelReload = (typeof MODEL_RELOADS)[number];

/** What of it concerns backends. */
export type BackendChoice = Pick<Configuration, 'useOnnx' | 'executionProviders' | 'variant' | 'cacheFolder'>;

/** Of `bodyLimitBytes`: a full OpenAI request (2,048 texts) may have 4 KB a text. */
export const DEFAULT_BODY_LIMIT_BYTES = 8 << 20;
/** Of `cacheBytes`, in megabytes: vectors of some 20,000 texts of 384 numbers. */
export const DEFAULT_CACHE_MEGABYTES = 32;
/**
 * Of `maxQueueSeconds`. A person who waits longer has given up, or has asked again; a program with many texts waits: of
 * four that send 2,048 short ones each (5 s of work on two cores), none is refused.
 */
export const DEFAULT_MAX_QUEUE_SECONDS: QueueSeconds = { interactive: 10, bulk: 60 };
/** In percent of the time: at 50 the keeper rests as long as it works, and requests have the model meanwhile. */
export const DEFAULT_KEEP_CPU = 50;
export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 3_000;

export type Environment = Readonly<Record<string, string | undefined>>;

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const flag = (usual: '0' | '1') =>
  z
    .enum(['0', '1'], '0 or 1')
    .default(usual)
    .transform((value) => value === '1')
    .meta({ isFlag: true });
const schema = z.object({
  USE_ONNX: flag('1'),
  LIGHTWEIGHT_EMBEDDING: flag('0'),
  FALLBACK_SPACE: z.literal('light', 'light, or nothing').optional(),
  ONNX_EXECUTION_PROVIDERS: z
    .string()
    .default('cpu')
    .transform((list) => list.split(',').map((name) => name.trim().toLowerCase()))
    .pipe(
      z
        .array(z.enum(EXECUTION_PROVIDERS, `names out of ${EXECUTION_PROVIDERS.join(', ')}, separated by commas`))
        .min(1),
    ),
  KIMERA_VARIANT: z.enum(VARIANT_CHOICES, `one of ${VARIANT_CHOICES.join(', ')}`).default('fast'),
  ONNX_MODEL_PATH: z.string().min(1).optional(),
  LIGHT_MODEL_PATH: z.string().min(1).optional(),
  MAX_EMBEDDING_LENGTH: whole.optional(),
  EMBEDDING_CACHE_MB: z.coerce
    .number('megabytes')
    .int('whole megabytes')
    .min(0, '0 or more')
    .max(65_536, '65536 at most')
    .default(DEFAULT_CACHE_MEGABYTES),
  EMBEDDING_DIM: whole.optional(),
  EMBEDDING_BATCH_SIZE: whole.max(65_536).optional(),
  KIMERA_PACKED_WEIGHTS: flag('1'),
  KIMERA_CACHE: z.string().refine(isAbsolute, 'an absolute path').optional(),
  KIMERA_WORKERS: whole.max(64, '64 at most').optional(),
  MAX_QUEUE_SECONDS: seconds.optional(),
  MAX_BODY_BYTES: whole.max(1 << 30, 'a gigabyte at most').default(DEFAULT_BODY_LIMIT_BYTES),
  ...serviceLimitsSchema,
  AUTO_TRUNCATE: flag('0'),
  KIMERA_API_KEYS: list
    .refine(
      (keys) => keys.every((key) => parseApiKey(key) !== undefined),
      `keys of visible ASCII characters, or sha256: and 64 hexadecimal digits; what follows a # is scopes: ${SCOPES.join(', ')}, with + between them`,
    )
    .transform((keys) => keys.flatMap((key) => parseApiKey(key) ?? []))
    .refine((keys) => new Set(keys.map(({ digest }) => digest)).size === keys.length, 'each key once'),
  KIMERA_OPEN_METRICS: flag('1'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'an address that begins with http:// or https://' })
    .optional(),
  HOST: z.string().min(1).default(DEFAULT_HOST),
  PORT: z.coerce
    .number('a port')
    .int('a port')
    .min(0, 'a port from 0 to 65535')
    .max(65_535, 'a port from 0 to 65535')
    .default(DEFAULT_PORT),
  ...WEB_FIELDS,
  DATABASE_URL: z.string().min(1).optional(),
  MODELS_PATH: z.string().min(1).optional(),
  KIMERA_KEEP: flag('0'),
  KIMERA_KEEP_CPU: whole.max(100, 'a percentage, 100 at most').default(DEFAULT_KEEP_CPU),
  KIMERA_MODELS: list,
  KIMERA_MODEL_ALIASES: list.pipe(
    z
      .array(z.string().regex(/^[^=]+=[^=]+$/, 'alias=name, separated by commas'))
      .transform((pairs) => pairs.map((pair) => pair.split('=').map((part) => part.trim()) as [string, string]))
      .refine((pairs) => new Set(pairs.map(([alias]) => alias)).size === pairs.length, 'each alias once')
      .transform((pairs) => new Map(pairs)),
  ),
  KIMERA_PRELOAD: list,
  MODEL_IDLE_SECONDS: seconds.optional(),
  MODEL_MEMORY_MB: whole.optional(),
  MODEL_RELOAD: z.enum(MODEL_RELOADS, `one of ${MODEL_RELOADS.join(', ')}`).default('off'),
});

/** What a configuration file may set. */
export const SETTINGS: readonly string[] = Object.keys(schema.shape);
/** Those that are 0 or 1. */
export const FLAGS: readonly string[] = Object.entries(schema.shape).flatMap(([name, setting]) =>
  setting.meta()?.['isFlag'] === true ? [name] : [],
);

/** The variables without those that are set to an empty text: these count as not set. */
function given(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}

/** What of the environment concerns backends: for programs that do not listen. @throws InvalidEnvironmentError. */
export function parseBackendChoice(environment: Environment): BackendChoice {
  const names = ['USE_ONNX', 'ONNX_EXECUTION_PROVIDERS', 'KIMERA_VARIANT', 'KIMERA_PACKED_WEIGHTS', 'KIMERA_CACHE'];
  const value = checked(Object.fromEntries(names.map((name) => [name, environment[name]])));
  return backendChoice(value, environment);
}

function backendChoice(
  {
    USE_ONNX: useOnnx,
    ONNX_EXECUTION_PROVIDERS: names,
    KIMERA_VARIANT: variant,
    KIMERA_PACKED_WEIGHTS: isCached,
    KIMERA_CACHE: cache,
  }: z.infer<typeof schema>,
  environment: Environment,
): BackendChoice {
  return {
    useOnnx,
    executionProviders: [...new Set(names)],
    variant,
    cacheFolder: isCached ? (cache ?? usualCacheFolder(given(environment))) : undefined,
  };
}

/** As the XDG Base Directory Specification has it; undefined where the user has no home. */
function usualCacheFolder({ XDG_CACHE_HOME, HOME, LOCALAPPDATA }: Environment): string | undefined {
  if (XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME)) return join(XDG_CACHE_HOME, 'kimera');
  if (HOME !== undefined) return join(HOME, '.cache/kimera');
  return LOCALAPPDATA === undefined ? undefined : join(LOCALAPPDATA, 'kimera');
}

/** @throws InvalidEnvironmentError, the first of the problems. */
function checked(environment: Environment): z.infer<typeof schema> {
  const [problem] = configurationProblems(environment);
  if (problem !== undefined) throw problem;
  return schema.parse(given(environment));
}

/** Everything that is wrong with the variables. */
export function configurationProblems(environment: Environment): readonly InvalidEnvironmentError[] {
  const problem = (variable: string, expected: string): InvalidEnvironmentError =>
    new InvalidEnvironmentError(
      variable,
      variable === 'KIMERA_API_KEYS' ? undefined : (environment[variable] ?? ''),
      expected,
    );
  const parsed = schema.safeParse(given(environment));
  if (!parsed.success)
    return parsed.error.issues.map(({ path: [variable], message }) => problem(String(variable), message));
  const { HOST, KIMERA_API_KEYS } = parsed.data;
  return KIMERA_API_KEYS.length > 0 || LOOPBACK.includes(HOST) || HOST.startsWith('unix:')
    ? []
    : [problem('HOST', `a loopback address (${LOOPBACK.join(', ')}), or KIMERA_API_KEYS set`)];
}

/**
 * @param root folder that relative paths start from.
 * @throws InvalidEnvironmentError, the first of the problems; ModelPackageMissingError.
 */
export function parseConfiguration(environment: Environment, root: string): Configuration {
  const value = checked(environment);
  const absolute = (path: string): string => (isAbsolute(path) ? path : join(root, path));
  const preferred = join(root, 'models/bge-m3-onnx');
  const { DATABASE_URL: database, MODELS_PATH: models } = value;
  return {
    modelPath:
      value.ONNX_MODEL_PATH === undefined
        ? existsSync(preferred)
          ? preferred
          : shippedModel('all-MiniLM-L6-v2')
        : absolute(value.ONNX_MODEL_PATH),
    lightModelPath:
      value.LIGHT_MODEL_PATH === undefined ? shippedModel('static-minilm') : absolute(value.LIGHT_MODEL_PATH),
    ...backendChoice(value, environment),
    workers: value.KIMERA_WORKERS,
    lightweight: value.LIGHTWEIGHT_EMBEDDING,
    fallbackSpace: value.FALLBACK_SPACE,
    maxInputTokens: value.MAX_EMBEDDING_LENGTH,
    cacheBytes: value.EMBEDDING_CACHE_MB * 2 ** 20,
    dimension: value.EMBEDDING_DIM,
    batchTokens: value.EMBEDDING_BATCH_SIZE,
    maxQueueSeconds:
      value.MAX_QUEUE_SECONDS === undefined
        ? DEFAULT_MAX_QUEUE_SECONDS
        : { interactive: value.MAX_QUEUE_SECONDS, bulk: value.MAX_QUEUE_SECONDS },
    autoTruncate: value.AUTO_TRUNCATE,
    apiKeys: value.KIMERA_API_KEYS,
    openMetrics: value.KIMERA_OPEN_METRICS,
    traceEndpoint: value.OTEL_EXPORTER_OTLP_ENDPOINT,
    host: value.HOST,
    port: value.PORT,
    web: webSettings(value),
    bodyLimitBytes: value.MAX_BODY_BYTES,
    limits: serviceLimits(value),
    database: databaseIn(root, database),
    keep: value.KIMERA_KEEP,
    keepModelShare: value.KIMERA_KEEP_CPU / 100,
    morePaths: value.KIMERA_MODELS.map(absolute),
    aliases: value.KIMERA_MODEL_ALIASES,
    preload: value.KIMERA_PRELOAD.includes('all') ? 'all' : value.KIMERA_PRELOAD,
    modelIdleSeconds: value.MODEL_IDLE_SECONDS,
    modelMemoryBytes: value.MODEL_MEMORY_MB === undefined ? undefined : value.MODEL_MEMORY_MB * 2 ** 20,
    modelReload: value.MODEL_RELOAD,
    modelFolders: [...(models === undefined ? [] : [absolute(models)]), join(root, 'models'), ...shippedModels()],
  };
}

/** An embedded database in ./data counts where it is there. What may be the address of a server is left to the store to read. */
function databaseIn(root: string, given: string | undefined): string | undefined {
  const usual = join(root, 'data');
  if (given === undefined) return existsSync(usual) ? usual : undefined;
  const isPath = /^\.{0,2}[/\\]/.test(given) || !/[=@:]/.test(given);
  return isPath && !isAbsolute(given) ? join(root, given) : given;
}
