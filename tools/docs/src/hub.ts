import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';

const COMMIT = 'c'.repeat(40);

/** A hub of models on 127.0.0.1: the two routes that `kimera models pull` asks, files from folders of this machine. */
export class Hub {
  private constructor(private readonly server: Server) {}

  /** @param models folder of each model, by its id. */
  static async start(models: Readonly<Record<string, string>>): Promise<Hub> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '', 'http://hub').pathname.slice(1));
      const [, listed = ''] = /^api\/models\/(.+)\/revision\/[^/]+$/.exec(path) ?? [];
      const [, id = '', name = ''] = /^(.+)\/resolve\/[0-9a-f]{40}\/(.+)$/.exec(path) ?? [];
      const folder = models[listed] ?? models[id];
      if (folder === undefined) return response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end();
      if (listed !== '') return response.end(JSON.stringify({ id: listed, sha: COMMIT, siblings: siblings(folder) }));
      const content = readFileSync(join(folder, name));
      return response.writeHead(200, { etag: `"${gitSha1(content)}"`, 'content-length': content.length }).end(content);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Hub(server);
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function siblings(folder: string): readonly unknown[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const content = readFileSync(path);
      return { rfilename: relative(folder, path), size: content.length, blobId: gitSha1(content) };
    });
}

function gitSha1(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}
