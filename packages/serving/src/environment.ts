import { DEFAULT_BATCH_TOKENS } from '@kimera/embedder';
import {
  DEFAULT_BODY_LIMIT_BYTES,
  DEFAULT_CACHE_MEGABYTES,
  DEFAULT_HOST,
  DEFAULT_KEEP_CPU,
  DEFAULT_MAX_QUEUE_SECONDS,
  DEFAULT_PORT,
} from './configuration.js';
import {
  DEFAULT_BODY_SECONDS,
  DEFAULT_CONNECTIONS,
  DEFAULT_HEADERS_SECONDS,
  DEFAULT_KEEP_ALIVE_SECONDS,
  DEFAULT_REQUEST_SECONDS,
  DEFAULT_SHUTDOWN_SECONDS,
  DEFAULT_WRITE_SECONDS,
} from './service-limits.js';

/** A variable that the server and the command line read. */
export interface EnvironmentVariable {
  readonly name: string;
  /** The default, in words. */
  readonly usual: string;
  readonly meaning: string;
  /** Its value is not shown. */
  readonly isSecret?: true;
}

/** Every variable; docs/configuration.md has the same table, and a test compares them. */
export const ENVIRONMENT: readonly EnvironmentVariable[] = [
  { name: 'USE_ONNX', usual: '1', meaning: '0 leaves the native backend out: WebAssembly serves the same space' },
  {
    name: 'KIMERA_VARIANT',
    usual: 'fast',
    meaning:
      'precision: fast is 8 bits where the model has them, they are near enough and this processor computes them exactly; full, or fp32, fp16, q4, int8',
  },
  {
    name: 'ONNX_MODEL_PATH',
    usual: './models/bge-m3-onnx where it exists, else the shipped all-MiniLM-L6-v2',
    meaning: 'folder of a converted model',
  },
  {
    name: 'ONNX_EXECUTION_PROVIDERS',
    usual: 'cpu',
    meaning: 'what the native backend computes with, in the order in which they are wanted: cuda,cpu',
  },
  {
    name: 'LIGHTWEIGHT_EMBEDDING',
    usual: '0',
    meaning: '1 serves the light model alone, in its own space, without ONNX',
  },
  { name: 'LIGHT_MODEL_PATH', usual: 'the shipped models/static-minilm', meaning: 'folder of the light model' },
  {
    name: 'FALLBACK_SPACE',
    usual: 'unset',
    meaning: 'light: when no backend can serve the space, the light model serves under its own name',
  },
  {
    name: 'EMBEDDING_DIM',
    usual: "the model's",
    meaning: "if set, must be the model's dimension, else the start fails with both numbers",
  },
  {
    name: 'MAX_EMBEDDING_LENGTH',
    usual: "the model's limit",
    meaning: 'tokens of an input at most; a longer one is refused, never cut',
  },
  { name: 'EMBEDDING_BATCH_SIZE', usual: String(DEFAULT_BATCH_TOKENS), meaning: 'tokens of one batch at most' },
  {
    name: 'KIMERA_WORKERS',
    usual: 'by load',
    meaning:
      'sessions of each model side by side, each with its share of the processors; by load: one of all processors for a text that comes alone, and where packed weights are kept one a processor for many at once',
  },
  {
    name: 'KIMERA_PACKED_WEIGHTS',
    usual: '1',
    meaning: '0 keeps no packed weights in the cache folder: each session has its own copy',
  },
  {
    name: 'KIMERA_CACHE',
    usual: 'kimera in XDG_CACHE_HOME, or in ~/.cache',
    meaning: 'cache folder of the user: packed weights of the models that are served',
  },
  {
    name: 'EMBEDDING_CACHE_MB',
    usual: String(DEFAULT_CACHE_MEGABYTES),
    meaning: 'memory for vectors of texts that come again; 0 keeps none',
  },
  {
    name: 'MAX_QUEUE_SECONDS',
    usual: `${DEFAULT_MAX_QUEUE_SECONDS.interactive}; ${DEFAULT_MAX_QUEUE_SECONDS.bulk} for a request of more than eight inputs`,
    meaning: 'a request that would wait longer for its turn is refused with 429 and Retry-After',
  },
  {
    name: 'MAX_BODY_BYTES',
    usual: String(DEFAULT_BODY_LIMIT_BYTES),
    meaning: 'bytes of a request at most, also after decompression',
  },
  {
    name: 'MAX_REQUEST_INPUTS',
    usual: "2048 on OpenAI's routes, 8192 on those of text-embeddings-inference",
    meaning: 'inputs of a request at most',
  },
  { name: 'MAX_REQUEST_TOKENS', usual: 'unset', meaning: 'tokens of a request at most, all inputs together' },
  {
    name: 'REQUESTS_PER_MINUTE',
    usual: 'unset',
    meaning: 'requests of one key, without keys of one address, in a minute; more get 429',
  },
  {
    name: 'MAX_CONNECTIONS',
    usual: String(DEFAULT_CONNECTIONS),
    meaning: 'open connections at most, and never more than the descriptors that the system gives; more are closed',
  },
  {
    name: 'KEEP_ALIVE_SECONDS',
    usual: String(DEFAULT_KEEP_ALIVE_SECONDS),
    meaning: "that a connection stays open without a request: above a load balancer's 60 s",
  },
  {
    name: 'HEADERS_TIMEOUT_SECONDS',
    usual: String(DEFAULT_HEADERS_SECONDS),
    meaning: 'until all headers of a request are there',
  },
  { name: 'BODY_TIMEOUT_SECONDS', usual: String(DEFAULT_BODY_SECONDS), meaning: 'until all of a request is there' },
  {
    name: 'WRITE_TIMEOUT_SECONDS',
    usual: String(DEFAULT_WRITE_SECONDS),
    meaning: 'that a client may take nothing of its answer before it is cut off',
  },
  {
    name: 'REQUEST_TIMEOUT_SECONDS',
    usual: String(DEFAULT_REQUEST_SECONDS),
    meaning: 'until a request is answered, else 504; the header x-request-timeout (seconds) asks for less',
  },
  {
    name: 'SHUTDOWN_SECONDS',
    usual: String(DEFAULT_SHUTDOWN_SECONDS),
    meaning: 'from a signal until the server has ended, whatever its clients do',
  },
  {
    name: 'AUTO_TRUNCATE',
    usual: '0',
    meaning: 'what an absent truncate means over HTTP: 0 refuses a text beyond the limit, 1 cuts it and says so',
  },
  {
    name: 'KIMERA_API_KEYS',
    usual: 'none',
    meaning:
      'keys, or sha256: and their hashes, separated by commas, each with #scopes where it may not do all; without one the server serves loopback only',
    isSecret: true,
  },
  {
    name: 'HOST',
    usual: DEFAULT_HOST,
    meaning:
      'address that the server listens on: a name, an address of IPv4 or IPv6, or unix: and the path of a socket',
  },
  { name: 'PORT', usual: String(DEFAULT_PORT), meaning: 'port that the server listens on' },
  {
    name: 'KIMERA_CORS_ORIGINS',
    usual: 'none',
    meaning: 'origins whose pages may ask from a browser, separated by commas; * allows all',
  },
  {
    name: 'KIMERA_PATH_PREFIX',
    usual: 'none',
    meaning: 'path before all routes, as a proxy leaves it there; /health, /ping and /metrics answer without it too',
  },
  {
    name: 'KIMERA_TRUST_PROXY',
    usual: 'none',
    meaning: 'proxies whose X-Forwarded-* headers count: addresses, networks, or loopback, linklocal, uniquelocal',
  },
  {
    name: 'DATABASE_URL',
    usual: './data',
    meaning: 'postgres://…, or the folder of an embedded database',
    isSecret: true,
  },
  {
    name: 'KIMERA_KEEP',
    usual: '0',
    meaning: '1 lets the server keep the vectors of its collections current, behind its requests',
  },
  {
    name: 'KIMERA_KEEP_CPU',
    usual: String(DEFAULT_KEEP_CPU),
    meaning: 'with KIMERA_KEEP, a model works for that at most so many percent of the time',
  },
  {
    name: 'MODELS_PATH',
    usual: 'unset',
    meaning: 'where the server looks for the models of collections, before ./models and those that ship',
  },
  {
    name: 'KIMERA_CONFIG',
    usual: 'unset',
    meaning: 'a file, YAML or JSON, with these settings; what the environment sets counts before it',
  },
  { name: 'KIMERA_MODELS', usual: 'none', meaning: 'folders of more models to serve, separated by commas' },
  {
    name: 'KIMERA_MODEL_ALIASES',
    usual: 'none',
    meaning: 'more names of models, each alias=name, separated by commas',
  },
  {
    name: 'KIMERA_PRELOAD',
    usual: 'none',
    meaning:
      'which of KIMERA_MODELS are opened before the server listens: names, or all; the others when they are asked for',
  },
  {
    name: 'MODEL_IDLE_SECONDS',
    usual: 'unset',
    meaning: 'a model that was opened when it was asked for is closed after so long without a request',
  },
  {
    name: 'MODEL_MEMORY_MB',
    usual: 'unset',
    meaning:
      'size of the files of all models that are opened when they are asked for, at most; the one that was used longest ago is closed',
  },
  {
    name: 'MODEL_RELOAD',
    usual: 'off',
    meaning:
      'same-space opens a folder again that has changed, and serves from it once its probes hold; any-space takes another space too',
  },
  { name: 'KIMERA_OPEN_METRICS', usual: '1', meaning: '0 asks for a key with the scope metrics at /metrics' },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    usual: 'unset',
    meaning: 'where traces are sent, by OTLP over HTTP; the other variables of OpenTelemetry count then too',
  },
  { name: 'HF_ENDPOINT', usual: 'the public hub', meaning: 'address of a hub or mirror' },
  { name: 'HF_TOKEN', usual: 'none', meaning: 'sent to the hub alone', isSecret: true },
  { name: 'HF_HUB_OFFLINE', usual: '0', meaning: '1 forbids requests to the hub' },
  { name: 'NO_COLOR', usual: 'unset', meaning: 'no colours' },
  { name: 'KIMERA_DEBUG', usual: 'unset', meaning: 'the stack of an unexpected error' },
];
