import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { cleanEnvironment } from './shell.js';

/** PostgreSQL with pgvector for pages about servers; it ends with this process in any case. */
export class TestServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    /** Folder of psql. */
    readonly programs: string,
  ) {}

  static async start(root: string): Promise<TestServer> {
    const script = 'echo "$KIMERA_TEST_DATABASE_URL"; command -v psql; cat';
    const child = spawn('node', [join(root, 'tools/postgres/postgres.mjs'), 'run', '--', 'sh', '-c', script], {
      env: cleanEnvironment(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) if (lines.push(line) === 2) break;
    const [url, psql] = lines;
    if (url === undefined || psql === undefined) throw new Error('no test server: see above');
    return new TestServer(child, url, dirname(psql));
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin?.end();
    await closed;
  }
}
