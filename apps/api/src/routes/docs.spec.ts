import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ModelsOnDemand, NamedModels, openModels, parseConfiguration, type ServingModels } from '@kimera/serving';
import { validate } from '@readme/openapi-parser';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Express } from 'express';
import fc from 'fast-check';
import { pino } from 'pino';
import { z } from 'zod';
import { createApp } from '../app.js';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const configuration = parseConfiguration({ ONNX_MODEL_PATH: 'fixtures/models/bge-m3-tiny' }, root);
const logger = pino({ enabled: false });

const contentSchema = z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) }));
const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        security: z.array(z.unknown()),
        requestBody: z.object({ content: contentSchema }).optional(),
        responses: z.record(z.string(), z.object({ content: contentSchema.optional() })),
      }),
    ),
  ),
});
type Document = z.infer<typeof documentSchema>;

let models: ServingModels;
let app: Express;
let url = '';
let raw: unknown;
let document: Document;
let ajv: Ajv2020;
const server = createServer((request, response) => void app(request, response));
beforeAll(async () => {
  models = await openModels(configuration, logger);
  const onDemand = new ModelsOnDemand({ open: () => Promise.reject(new Error('no model is opened here')) });
  app = createApp({
    models,
    names: new NamedModels({ served: models, onDemand, collections: undefined, logger }),
    collections: undefined,
    apiKeys: [],
    openMetrics: true,
    web: configuration.web,
    autoTruncate: false,
    maxInputTokens: undefined,
    bodyLimitBytes: 1 << 20,
    limits: { ...parseConfiguration({}, '.').limits, batchTokens: 4_096 },
    logger,
    version: '1.2.3',
    started: 0,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${z.object({ port: z.int() }).parse(server.address()).port}`;
  raw = await (await fetch(`${url}/openapi.json`)).json();
  document = documentSchema.parse(raw);
  ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'api', ...z.record(z.string(), z.unknown()).parse(raw) });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await models.close();
});

/** A request that each route answers with 200; those of collections, of which there are none, with a refusal. */
const EXAMPLES: Readonly<Record<string, object>> = {
  '/v1/embeddings': { model: 'bge-m3-tiny', input: ['a cat', [0, 5, 2]] },
  '/v1/encode': { inputs: ['a cat', ''], heads: ['dense', 'sparse', 'colbert'] },
  '/v1/similarity': { source: 'a cat', targets: ['a dog'] },
  '/v1/rerank': { query: 'a cat', documents: ['a dog', { text: 'kittens' }] },
  '/v1/collections/{name}/search': { query: 'a cat' },
  '/embed': { inputs: 'a cat' },
  '/': { inputs: ['a cat'] },
  '/embed_all': { inputs: 'a cat' },
  '/embed_sparse': { inputs: 'a cat' },
  '/similarity': { inputs: { source_sentence: 'a cat', sentences: ['a dog'] } },
  '/tokenize': { inputs: ['a cat', ''] },
  '/decode': { ids: [[0, 5, 2], []] },
  '/rerank': { query: 'a cat', texts: ['a dog'] },
  '/predict': { inputs: 'a cat' },
};
const PARAMETERS: Readonly<Record<string, string>> = { id: 'bge-m3-tiny', name: 'docs' };

const addressOf = (path: string): string =>
  url + path.replaceAll(/\{(\w+)\}/g, (_, name: string) => PARAMETERS[name] ?? '');
const ask = (path: string, method: string, body?: unknown): Promise<Response> =>
  fetch(addressOf(path), {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
function operations(): readonly { readonly path: string; readonly method: string }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() })),
  );
}
const bodies = () => operations().filter(({ method }) => method === 'POST');

/** The schema of an answer, from the document itself. */
function schemaOf(path: string, method: string, status: number, type: string): ValidateFunction | undefined {
  const content = document.paths[path]?.[method.toLowerCase()]?.responses[String(status)]?.content;
  if (content?.[type] === undefined) return undefined;
  const pointer = ['paths', path, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema'];
  return ajv.getSchema(
    `api#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`,
  );
}
/** @returns the answer's status and body, once it is one that the document has. */
async function checked(path: string, method: string, body?: unknown): Promise<readonly [number, unknown]> {
  const response = await ask(path, method, body);
  const type = (response.headers.get('content-type') ?? '').replace(/;.*/, '');
  const text = await response.text();
  const answer: unknown = type === 'application/json' ? JSON.parse(text) : text;
  const conforms = schemaOf(path, method, response.status, type);
  expect([path, method, body, response.status, type, conforms]).toEqual([
    path,
    method,
    body,
    response.status,
    type,
    expect.any(Function),
  ]);
  const isRight = conforms?.(answer);
  expect([path, body, isRight, conforms?.errors]).toEqual([path, body, true, null]);
  return [response.status, answer];
}

it('is a valid OpenAPI 3.1 document', async () => {
  const copy = z.looseObject({ openapi: z.string() }).parse(structuredClone(raw));
  expect(await validate(copy as Parameters<typeof validate>[0])).toMatchObject({ valid: true });
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

it('has the routes that the server has, no more and no fewer', async () => {
  const layers = z
    .array(
      z.object({
        route: z.object({ path: z.string(), methods: z.record(z.string(), z.boolean()) }).optional(),
      }),
    )
    .parse(app.router.stack.map(({ route }) => (route === undefined ? {} : { route: { ...route } })));
  const routed = layers
    .flatMap(({ route }) =>
      Object.keys(route?.methods ?? {})
        .filter((method) => method !== '_all')
        .map((method) => `${method.toUpperCase()} ${(route?.path ?? '').replaceAll(/[:*](\w+)/g, '{$1}')}`),
    )
    .sort();
  expect(routed).toEqual(
    operations()
      .map(({ path, method }) => `${method} ${path}`)
      .sort(),
  );
  for (const { path } of operations()) {
    const { headers, status } = await ask(path, 'DELETE');
    const allowed = Object.keys(document.paths[path] ?? {}).map((method) => method.toUpperCase());
    expect([status, headers.get('allow')?.replace('GET, HEAD', 'GET').split(', ').sort()]).toEqual([
      405,
      allowed.sort(),
    ]);
  }
});

it('has an example of each request here', () => {
  expect(
    bodies()
      .map(({ path }) => path)
      .sort(),
  ).toEqual(Object.keys(EXAMPLES).sort());
});

describe('an answer', () => {
  it('is as the document says', async () => {
    const statuses = new Map<string, number>();
    for (const { path, method } of operations()) {
      const [status] = await checked(path, method, method === 'POST' ? EXAMPLES[path] : undefined);
      statuses.set(`${method} ${path}`, status);
    }
    const refused = [...statuses].filter(([, status]) => status !== 200);
    expect(Object.fromEntries(refused)).toEqual({
      'POST /v1/collections/{name}/search': 404,
      'GET /v1/collections': 404,
      'POST /rerank': 424,
      'POST /predict': 424,
      'POST /embed_all': 424,
    });
  });

  it('is as the document says, whatever is sent', async () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(null, '', 'a', 0, -1, 1, 2 ** 40, 0.5, true, [], {}, ['a'], [1], [[1]], 'float', 'left'),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), value, async (which, field, sent) => {
        const all = bodies();
        const { path } = all[which % all.length] ?? { path: '' };
        const fields = Object.keys(propertiesOf(path).properties);
        const body = fields.length === 0 ? sent : { ...EXAMPLES[path], [fields[field % fields.length] ?? '']: sent };
        const [status] = await checked(path, 'POST', body);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a field that may be left out', () => {
  it('may be null, on every route', async () => {
    let seen = 0;
    for (const { path } of bodies()) {
      const { properties, required } = propertiesOf(path);
      const example = EXAMPLES[path] ?? {};
      const plain = await answerOf(path, example);
      const fields = Object.keys(properties).filter((field) => !required.includes(field) && !(field in example));
      for (const some of [...fields.map((field) => [field]), fields]) {
        seen += some.length;
        const nulls = Object.fromEntries(some.map((field) => [field, null]));
        expect([path, some, await answerOf(path, { ...example, ...nulls })]).toEqual([path, some, plain]);
      }
    }
    expect(seen).toBeGreaterThan(60);
  });

  it('has null in its schema, inside of others too', () => {
    const look = (schema: unknown, path: string): void => {
      const found = z
        .looseObject({
          properties: z.record(z.string(), z.unknown()).optional(),
          required: z.array(z.string()).optional(),
        })
        .safeParse(schema);
      if (!found.success) return;
      for (const [name, inner] of Object.entries(found.data.properties ?? {})) {
        if (found.data.required?.includes(name) !== true)
          expect([`${path}.${name}`, JSON.stringify(inner)]).toEqual([
            `${path}.${name}`,
            expect.stringContaining('"null"'),
          ]);
        for (const option of [inner, ...optionsOf(inner)]) look(option, `${path}.${name}`);
      }
    };
    for (const { path } of bodies()) look(propertiesOf(path), path);
  });
});

it('is a page for people that fetches nothing from elsewhere', async () => {
  const response = await fetch(`${url}/docs`);
  const page = await response.text();
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  for (const { path } of operations()) expect(page).toContain(path);
  expect(page).not.toMatch(/<script|(?:src|href)="(?!openapi\.json")|@import|url\(/);
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
});

function propertiesOf(path: string): {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
} {
  return z
    .object({ properties: z.record(z.string(), z.unknown()).default({}), required: z.array(z.string()).default([]) })
    .parse(document.paths[path]?.['post']?.requestBody?.content['application/json']?.schema);
}

function optionsOf(schema: unknown): readonly unknown[] {
  return z.looseObject({ anyOf: z.array(z.unknown()).default([]) }).safeParse(schema).data?.anyOf ?? [];
}

/** Without what two answers to the same request differ in. */
async function answerOf(path: string, body: object): Promise<unknown> {
  const response = await ask(path, 'POST', body);
  return [response.status, await response.json()];
}
