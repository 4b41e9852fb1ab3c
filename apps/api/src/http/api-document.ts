import { z } from 'zod';
import { contractOf } from './refusals/error-mapping.js';
import { REFUSALS, rowOf, type Contract, type HttpErrorCode } from './refusals/refusals.js';
import type { Route } from './route.js';

export interface ApiDocumentParts {
  readonly routes: readonly Route[];
  readonly version: string;
  /** Before all paths. */
  readonly prefix: string;
}

/** What an operation of the document says. */
export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly unknown[];
  readonly requestBody?: { readonly required: true; readonly content: Content };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly headers?: unknown; readonly content?: Content }>
  >;
}
export type Content = Readonly<Record<string, { readonly schema: unknown }>>;

export interface ApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: unknown;
}

const ERRORS = {
  openai: z.object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.enum(Object.keys(REFUSALS) as [HttpErrorCode, ...HttpErrorCode[]]),
    }),
  }),
  tei: z.object({
    error: z.string(),
    error_type: z.enum(['Unhealthy', 'Backend', 'Overloaded', 'Validation', 'Tokenizer', 'Empty']),
  }),
} as const satisfies Readonly<Record<Contract, z.ZodType>>;
/** Only in the log: a client that is gone sees no status. */
const NO_ANSWER: HttpErrorCode = 'client_closed_request';

/**
 * The OpenAPI 3.1 document, made from the routes and from the schemas that parse their requests. A route with several
 * paths stands there with each of them.
 */
export function apiDocument({ routes, version, prefix }: ApiDocumentParts): ApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes)
    for (const path of route.paths) {
      const named = path.replaceAll(/[:*](\w+)/g, '{$1}');
      (paths[named] ??= {})[route.method.toLowerCase()] = operationOf(route, named);
    }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kimera Embed',
      version,
      description:
        'Embeddings, as clients of OpenAI and of text-embeddings-inference ask for them, and our own routes. A field that is null is one that is left out. Answers with vectors name their space in the header x-embedding-space, and inputs that were cut in x-truncated-inputs; every answer has an x-request-id.',
    },
    servers: [{ url: prefix === '' ? '/' : prefix }],
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: { OpenAIError: jsonSchema(ERRORS.openai, 'output'), TeiError: jsonSchema(ERRORS.tei, 'output') },
    },
  };
}

function operationOf(route: Route, path: string): Operation {
  const { method, tag, summary, body, answer, answerType = 'application/json', headers = {}, open } = route;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/\W+/g, '_')}`,
    tags: [tag],
    summary,
    security: open === true ? [] : [{ key: [] }],
    parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string', minLength: 1 } })),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(body, 'input') } } } }),
    responses: {
      ...(answer instanceof z.ZodNever
        ? {}
        : {
            200: {
              description: 'the answer',
              headers: Object.fromEntries(
                Object.entries(headers).map(([name, description]) => [
                  name,
                  { description, schema: { type: 'string' } },
                ]),
              ),
              content: { [answerType]: { schema: jsonSchema(answer, 'output') } },
            },
          }),
      ...errorsOf(contractOf(path), method, route),
    },
  };
}

/** Each status that a request can be refused with, and the codes behind it. */
function errorsOf(contract: Contract, method: Route['method'], route: Route): Operation['responses'] {
  const schema = { $ref: `#/components/schemas/${contract === 'openai' ? 'OpenAIError' : 'TeiError'}` };
  const codes = (Object.keys(REFUSALS) as readonly HttpErrorCode[]).filter((code) => code !== NO_ANSWER);
  const statuses = new Set(codes.map((code) => rowOf(code)[contract][0]));
  const responses: Record<string, { description: string; content: Content }> = {};
  for (const status of statuses) {
    if (method === 'GET' && OF_BODIES.has(status)) continue;
    const here = codes.filter((code) => rowOf(code)[contract][0] === status);
    // The health of a server that does not serve is an answer of its own.
    const own = status === 503 ? route.unavailable : undefined;
    responses[status] = {
      description: here.join(', '),
      content: {
        'application/json': { schema: own === undefined ? schema : { anyOf: [jsonSchema(own, 'output'), schema] } },
      },
    };
  }
  return responses;
}

/** Statuses that only a request with a body is refused with. */
const OF_BODIES: ReadonlySet<number> = new Set([413, 415]);

/** @param io whether the schema of what it reads is wanted, or of what it gives. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): unknown {
  const described = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema: made }) => {
      // See `withUsual`: zod leaves the default of a field out that it changes as it reads it.
      if ('usual' in made) {
        made.default = made['usual'];
        delete made['usual'];
      }
    },
  });
  return { ...described, $schema: undefined };
}
