import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { parseBackendChoice, parseConfiguration } from './configuration.js';
import { ENVIRONMENT } from './environment.js';
import { InvalidEnvironmentError } from './errors.js';
import { shippedModels } from './shipped-models.js';

it.each([
  [{ HOST: '0.0.0.0' }, 'HOST'],
  [{ USE_ONNX: 'no' }, 'USE_ONNX'],
  [{ LIGHTWEIGHT_EMBEDDING: '2' }, 'LIGHTWEIGHT_EMBEDDING'],
  [{ FALLBACK_SPACE: 'hash' }, 'FALLBACK_SPACE'],
  [{ KIMERA_VARIANT: 'fp8' }, 'KIMERA_VARIANT'],
  [{ ONNX_EXECUTION_PROVIDERS: 'gpu' }, 'ONNX_EXECUTION_PROVIDERS'],
  [{ ONNX_EXECUTION_PROVIDERS: ',' }, 'ONNX_EXECUTION_PROVIDERS'],
  [{ EMBEDDING_DIM: '-1' }, 'EMBEDDING_DIM'],
  [{ AUTO_TRUNCATE: 'yes' }, 'AUTO_TRUNCATE'],
  [{ MAX_EMBEDDING_LENGTH: '0' }, 'MAX_EMBEDDING_LENGTH'],
  [{ EMBEDDING_CACHE_MB: '-1' }, 'EMBEDDING_CACHE_MB'],
  [{ PORT: '70000' }, 'PORT'],
  [{ MAX_QUEUE_SECONDS: '0' }, 'MAX_QUEUE_SECONDS'],
  [{ KIMERA_MODEL_ALIASES: 'search' }, 'KIMERA_MODEL_ALIASES'],
  [{ KIMERA_MODEL_ALIASES: 'a=b,a=c' }, 'KIMERA_MODEL_ALIASES'],
  [{ MODEL_IDLE_SECONDS: '0' }, 'MODEL_IDLE_SECONDS'],
  [{ MODEL_MEMORY_MB: '0.5' }, 'MODEL_MEMORY_MB'],
  [{ MODEL_RELOAD: 'yes' }, 'MODEL_RELOAD'],
  [{ KIMERA_API_KEYS: 'sha256:abc' }, 'KIMERA_API_KEYS'],
  [{ KIMERA_API_KEYS: 'schlüssel' }, 'KIMERA_API_KEYS'],
  [{ KIMERA_API_KEYS: 'a#embed,b,a#search' }, 'KIMERA_API_KEYS'],
  [{ KIMERA_OPEN_METRICS: 'no' }, 'KIMERA_OPEN_METRICS'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  [{ KIMERA_CACHE: 'relative' }, 'KIMERA_CACHE'],
  [{ KIMERA_PACKED_WEIGHTS: 'off' }, 'KIMERA_PACKED_WEIGHTS'],
  [{ MAX_BODY_BYTES: '1e12' }, 'MAX_BODY_BYTES'],
  [{ MAX_CONNECTIONS: '0' }, 'MAX_CONNECTIONS'],
  [{ KEEP_ALIVE_SECONDS: 'long' }, 'KEEP_ALIVE_SECONDS'],
  [{ SHUTDOWN_SECONDS: '-1' }, 'SHUTDOWN_SECONDS'],
  [{ REQUESTS_PER_MINUTE: '0.5' }, 'REQUESTS_PER_MINUTE'],
])('environment %j is refused', (environment, variable) => {
  expect(() => parseConfiguration(environment, '/root')).toThrow(InvalidEnvironmentError);
  expect(() => parseConfiguration(environment, '/root')).toThrow(variable);
});

it('has defaults that serve the shipped model on loopback', () => {
  expect(parseConfiguration({}, '/root')).toEqual({
    modelPath: expect.stringMatching(/[/\\]models[/\\]all-MiniLM-L6-v2$/),
    lightModelPath: expect.stringMatching(/[/\\]models[/\\]static-minilm$/),
    useOnnx: true,
    executionProviders: ['cpu'],
    variant: 'fast',
    cacheFolder: undefined,
    workers: undefined,
    lightweight: false,
    fallbackSpace: undefined,
    maxInputTokens: undefined,
    cacheBytes: 32 << 20,
    dimension: undefined,
    batchTokens: undefined,
    maxQueueSeconds: { interactive: 10, bulk: 60 },
    autoTruncate: false,
    apiKeys: [],
    openMetrics: true,
    traceEndpoint: undefined,
    host: '127.0.0.1',
    port: 3000,
    web: { corsOrigins: [], pathPrefix: '', trustedProxies: [] },
    bodyLimitBytes: 8 << 20,
    limits: {
      requestInputs: undefined,
      requestTokens: undefined,
      requestsPerMinute: undefined,
      connections: 10_000,
      keepAliveSeconds: 75,
      headersSeconds: 20,
      bodySeconds: 120,
      writeSeconds: 30,
      requestSeconds: 600,
      shutdownSeconds: 25,
    },
    database: undefined,
    keep: false,
    keepModelShare: 0.5,
    modelFolders: ['/root/models', ...shippedModels()],
    morePaths: [],
    aliases: new Map(),
    preload: [],
    modelIdleSeconds: undefined,
    modelMemoryBytes: undefined,
    modelReload: 'off',
  });
});

it('takes the share of the keeper in percent', () => {
  expect(parseConfiguration({ KIMERA_KEEP: '1', KIMERA_KEEP_CPU: '5' }, '/root')).toMatchObject({
    keep: true,
    keepModelShare: 0.05,
  });
  for (const KIMERA_KEEP_CPU of ['0', '101', '2.5', 'half'])
    expect(() => parseConfiguration({ KIMERA_KEEP_CPU }, '/root')).toThrow('KIMERA_KEEP_CPU');
});

it('takes the database that is named, or an embedded one in ./data where it is there', async () => {
  const root = await mkdtemp(join(tmpdir(), 'kimera-configuration-'));
  const database = (DATABASE_URL?: string): string | undefined =>
    parseConfiguration(DATABASE_URL === undefined ? {} : { DATABASE_URL }, root).database;
  expect(database()).toBeUndefined();
  await mkdir(join(root, 'data'));
  expect(database()).toBe(join(root, 'data'));
  expect(database('elsewhere')).toBe(join(root, 'elsewhere'));
  expect(database('/absolute')).toBe('/absolute');
  expect(database('./a=b')).toBe(join(root, 'a=b'));
  for (const address of [
    'postgres://me@host/docs',
    'host=db dbname=docs password=secret',
    'postgress://me:secret@host',
  ])
    expect(database(address)).toBe(address);
  await rm(root, { recursive: true });
});

it.each([
  [{ HOME: '/home/me' }, '/home/me/.cache/kimera'],
  [{ HOME: '/home/me', XDG_CACHE_HOME: '/fast' }, '/fast/kimera'],
  [{ HOME: '/home/me', XDG_CACHE_HOME: 'relative' }, '/home/me/.cache/kimera'],
  [{ HOME: '/home/me', KIMERA_CACHE: '/mine' }, '/mine'],
  [{ HOME: '/home/me', KIMERA_CACHE: '/mine', KIMERA_PACKED_WEIGHTS: '0' }, undefined],
  [{ LOCALAPPDATA: '/local' }, '/local/kimera'],
  [{}, undefined],
])('keeps packed weights of %j in %s', (environment, folder) => {
  expect(parseConfiguration(environment, '/root').cacheFolder).toBe(folder);
  expect(parseBackendChoice(environment).cacheFolder).toBe(folder);
});

it('looks for the models of collections where it is told first', () => {
  expect(parseConfiguration({ MODELS_PATH: 'mine' }, '/root').modelFolders.slice(0, 2)).toEqual([
    '/root/mine',
    '/root/models',
  ]);
});

it('takes a variable that is set to nothing for one that is not set', () => {
  const names = ENVIRONMENT.map(({ name }): [string, string] => [name, '']);
  expect(parseConfiguration(Object.fromEntries(names), '/root')).toEqual(parseConfiguration({}, '/root'));
});

it.each([2_047, 2_048, 4_096, 65_536])('has %d MB of cache', (megabytes) => {
  expect(parseConfiguration({ EMBEDDING_CACHE_MB: String(megabytes) }, '/root').cacheBytes).toBe(megabytes * 1_048_576);
});

it('names an execution provider once', () => {
  expect(parseConfiguration({ ONNX_EXECUTION_PROVIDERS: 'cpu,cuda,cpu' }, '/root').executionProviders).toEqual([
    'cpu',
    'cuda',
  ]);
});

it('asks programs that do not listen for what concerns backends alone', () => {
  expect(parseBackendChoice({ HOST: '0.0.0.0', PORT: 'none', USE_ONNX: '0' })).toEqual({
    useOnnx: false,
    executionProviders: ['cpu'],
    variant: 'fast',
  });
  expect(() => parseBackendChoice({ USE_ONNX: 'x' })).toThrow(InvalidEnvironmentError);
});

it('takes the modes of the original system', () => {
  const environment = {
    USE_ONNX: '0',
    LIGHTWEIGHT_EMBEDDING: '1',
    FALLBACK_SPACE: 'light',
    ONNX_EXECUTION_PROVIDERS: 'CUDA, cpu',
    ONNX_MODEL_PATH: 'm',
    LIGHT_MODEL_PATH: '/l',
    EMBEDDING_DIM: '1024',
    MAX_EMBEDDING_LENGTH: '512',
    EMBEDDING_CACHE_MB: '0',
  };
  expect(parseConfiguration(environment, '/root')).toMatchObject({
    useOnnx: false,
    lightweight: true,
    fallbackSpace: 'light',
    executionProviders: ['cuda', 'cpu'],
    modelPath: '/root/m',
    lightModelPath: '/l',
    dimension: 1024,
    maxInputTokens: 512,
    cacheBytes: 0,
  });
});

it('is documented, variable by variable, as the doctor explains it', async () => {
  const guide = await readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const rows = guide.split('\n').filter((line) => line.startsWith('| `'));
  expect(rows).toEqual(ENVIRONMENT.map(({ name, usual, meaning }) => `| \`${name}\` | ${usual} | ${meaning} |`));
});

it('has the table of docs/fallback.md: every variable of it is one that is read', async () => {
  const guide = await readFile(new URL('../../../docs/fallback.md', import.meta.url), 'utf8');
  const named = [...guide.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)]
    .map(([, name]) => name)
    .filter((name) => !/MISMATCH|NOT_FOUND|NO_BACKEND|WASM_|MODEL_NAMES/.test(name ?? ''));
  expect(named.length).toBeGreaterThan(4);
  for (const name of named) expect(ENVIRONMENT.map((variable) => variable.name)).toContain(name);
});
