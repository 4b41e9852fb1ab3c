import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const COMMIT = 'a'.repeat(40);
export const ID = 'example/mine';

/** One request as it came. */
export interface SeenRequest {
  /** `listing`, `hub NAME`, or `store NAME` of a large file. */
  readonly what: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What an honest server has for it. */
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  honest(): void;
}
/** Instead of the honest answer to one request. */
export type Behaviour = (exchange: Exchange) => void | Promise<void>;

interface Model {
  readonly id: string;
  readonly commit: string;
  readonly revisions: readonly string[];
  readonly files: ReadonlyMap<string, Buffer>;
  /** Instead of the honest listing. */
  readonly siblings: readonly unknown[];
}
export interface ModelOptions {
  readonly id?: string;
  readonly commit?: string;
  readonly revisions?: readonly string[];
  readonly listing?: (honest: readonly Record<string, unknown>[]) => readonly unknown[];
}

export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
export const gitSha1 = (content: Buffer): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
/** As the hub's .gitattributes have it. */
export const isLarge = (name: string): boolean => /\.(?:safetensors|bin|pt|onnx_data)$/.test(name);

/**
 * A hub on two ports of 127.0.0.1: small files come from the hub itself, large ones by a redirect to the store, which
 * is another origin. Behaviours that are planned for a request take over in their order; then it is honest again.
 */
export class HubServer {
  readonly requests: SeenRequest[] = [];
  readonly #models: Model[] = [];
  readonly #planned = new Map<string, Behaviour[]>();

  private constructor(
    private readonly hub: Server,
    private readonly store: Server,
  ) {}

  static async start(): Promise<HubServer> {
    const servers = [createServer(), createServer()] as const;
    for (const server of servers) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const fixture = new HubServer(...servers);
    servers[0].on('request', (request, response) => fixture.#atHub(request, response));
    servers[1].on('request', (request, response) => fixture.#atStore(request, response));
    return fixture;
  }

  async stop(): Promise<void> {
    for (const server of [this.hub, this.store]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  get endpoint(): string {
    return addressOf(this.hub);
  }
  get storeOrigin(): string {
    return addressOf(this.store);
  }
  get environment(): Readonly<Record<string, string>> {
    return { HF_ENDPOINT: this.endpoint };
  }

  model(
    files: Readonly<Record<string, Buffer | string>>,
    { id = ID, commit = COMMIT, revisions = ['main'], listing = (honest) => honest }: ModelOptions = {},
  ): void {
    const contents = new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]));
    const honest = [...contents].map(([rfilename, content]) => ({
      rfilename,
      size: content.length,
      blobId: gitSha1(content),
      ...(isLarge(rfilename) ? { lfs: { sha256: sha256(content), size: content.length, pointerSize: 135 } } : {}),
    }));
    this.#models.unshift({ id, commit, revisions, files: contents, siblings: listing(honest) });
  }

  /** @param what as in {@link SeenRequest}. */
  plan(what: string, ...behaviours: readonly Behaviour[]): void {
    this.#planned.set(what, [...(this.#planned.get(what) ?? []), ...behaviours]);
  }

  seen(what: string): readonly SeenRequest[] {
    return this.requests.filter((request) => request.what === what);
  }

  #atHub(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? '', this.endpoint).pathname.slice(1);
    const [, id, revision] = /^api\/models\/(.+)\/revision\/([^/]+)$/.exec(path) ?? [];
    if (id !== undefined && revision !== undefined) {
      const ofId = this.#models.filter((model) => model.id === id);
      const model = ofId.find((candidate) =>
        [candidate.commit, ...candidate.revisions].includes(decodeURIComponent(revision)),
      );
      const content = Buffer.from(
        JSON.stringify(
          model === undefined ? { error: 'not found' } : { id, sha: model.commit, siblings: model.siblings },
        ),
      );
      const error = { 'x-error-code': ofId.length === 0 ? 'RepoNotFound' : 'RevisionNotFound' };
      {
        this.#answer('listing', { request, response, content, headers: model === undefined ? error : {} }, () =>
          send(
            response,
            model === undefined ? 404 : 200,
            { 'content-type': 'application/json', ...(model === undefined ? error : {}) },
            content,
          ),
        );
        return;
      }
    }
    const [, fileId, commit, encoded = ''] = /^(.+)\/resolve\/([0-9a-f]{40})\/(.+)$/.exec(path) ?? [];
    const name = decodeURIComponent(encoded);
    const content = this.#models.find((model) => model.id === fileId && model.commit === commit)?.files.get(name);
    const what = `hub ${name}`;
    if (content === undefined || commit === undefined) {
      this.#answer(what, { request, response, content: Buffer.alloc(0), headers: {} }, () =>
        send(response, 404, { 'x-error-code': 'EntryNotFound' }, Buffer.from('Entry not found')),
      );
      return;
    }
    const large = isLarge(name);
    const etag = `"${large ? sha256(content) : gitSha1(content)}"`;
    const headers: Readonly<Record<string, string>> = {
      'x-repo-commit': commit,
      'x-linked-size': String(content.length),
      ...(large ? { 'x-linked-etag': etag } : { etag }),
    };
    if (!large) {
      this.#answer(what, { request, response, content, headers }, () => sendRange(request, response, content, headers));
      return;
    }
    this.#answer(what, { request, response, content, headers }, () =>
      send(
        response,
        302,
        { ...headers, location: `${this.storeOrigin}/${fileId}/${commit}/${encoded}?signature=secret` },
        Buffer.alloc(0),
      ),
    );
  }

  #atStore(request: IncomingMessage, response: ServerResponse): void {
    const [, fileId, commit, encoded = ''] =
      /^\/(.+)\/([0-9a-f]{40})\/(.+)$/.exec(new URL(request.url ?? '', this.storeOrigin).pathname) ?? [];
    const name = decodeURIComponent(encoded);
    const content =
      this.#models.find((model) => model.id === fileId && model.commit === commit)?.files.get(name) ?? Buffer.alloc(0);
    const headers = { etag: `"store-${sha256(content).slice(0, 8)}"` };
    this.#answer(`store ${name}`, { request, response, content, headers }, () =>
      sendRange(request, response, content, headers),
    );
  }

  #answer(what: string, exchange: Omit<Exchange, 'honest'>, honest: () => void): void {
    const { range, 'if-range': ifRange, authorization } = exchange.request.headers;
    this.requests.push({ what, range, ifRange: typeof ifRange === 'string' ? ifRange : undefined, authorization });
    const behaviour = this.#planned.get(what)?.shift();
    if (behaviour === undefined) honest();
    else void behaviour({ ...exchange, honest });
  }
}

/** Headers and status as given; the length too, where it is not among them. */
export function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  content: Buffer,
): void {
  response.writeHead(status, { 'content-length': String(content.length), ...headers }).end(content);
}

/** RFC 9110, 14: `bytes=FROM-` alone, with If-Range. */
function sendRange(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  headers: Readonly<Record<string, string>>,
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const condition = request.headers['if-range'];
  if (from === 0 || (condition !== undefined && condition !== headers['etag'])) {
    send(response, 200, headers, content);
    return;
  }
  if (from >= content.length) {
    send(response, 416, { 'content-range': `bytes */${content.length}` }, Buffer.alloc(0));
    return;
  }
  send(
    response,
    206,
    { ...headers, 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` },
    content.subarray(from),
  );
}

/** Answers with a status and nothing else. */
export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  ({ response }) =>
    send(response, code, headers, Buffer.from('{}'));

/** Other bytes under the honest headers. */
export const instead =
  (bytes: Buffer, more: Readonly<Record<string, string>> = {}): Behaviour =>
  ({ response, headers }) =>
    send(response, 200, { ...headers, ...more }, bytes);

/** The whole file, whatever range was asked for. */
export const ignoringRange: Behaviour = ({ response, headers, content }) => send(response, 200, headers, content);

/** Bytes of the content up to `upTo`, then, once they lie on the client's disk, the end of the connection. */
export const cutAt =
  (upTo: number, partial: string, more: Readonly<Record<string, string>> = {}): Behaviour =>
  async ({ request, response, content, headers }) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from === 0 ? 200 : 206, {
      'content-length': String(content.length - from),
      ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
      ...headers,
      ...more,
    });
    response.write(content.subarray(from, upTo));
    await untilBytes(partial, upTo);
    response.destroy();
  };

/** Like {@link cutAt}, but the connection stays open and nothing more comes. */
export const stallAt =
  (upTo: number): Behaviour =>
  ({ response, content, headers }) => {
    response.writeHead(200, { 'content-length': String(content.length), ...headers }).flushHeaders();
    response.write(content.subarray(0, upTo));
  };

/** Without end, and without a length. Tells when the client has left. */
export const endless =
  (left: () => void): Behaviour =>
  ({ response, headers }) => {
    response.on('close', left);
    response.writeHead(200, headers);
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 14)));
    };
    response.on('drain', more);
    more();
  };

export async function untilBytes(path: string, bytes: number): Promise<void> {
  while (
    (await stat(path).then(
      ({ size }) => size,
      () => 0,
    )) < bytes
  )
    await sleep(2);
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
