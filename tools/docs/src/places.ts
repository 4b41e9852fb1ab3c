import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Hub } from './hub.js';
import type { Place } from './read-page.js';
import { cleanEnvironment, Shell } from './shell.js';
import { TestServer } from './test-server.js';

const run = promisify(execFile);

/** Folders beside each other, under the names that the pages use. */
const CLONE = 'kimera-embed';
const TARBALLS = 'tarballs';
const APPLICATION = 'my-app';

/** Where the blocks of pages run: made at first use, removed at the end. */
export class Places {
  #scratch: string | undefined;
  #packed: Promise<string> | undefined;
  #installed: Promise<string> | undefined;
  #cloned: Promise<string> | undefined;
  #hub: Promise<Hub> | undefined;
  #server: Promise<TestServer> | undefined;

  constructor(
    private readonly root: string,
    /** Whether pages have a clone of their own beside the user's folder, or the repository as it is. */
    private readonly withClone: boolean,
  ) {}

  /** A shell in the folder of one page. `download` is the folder of a user with the public hub. */
  async shell(place: Place, page: number): Promise<Shell> {
    const environment = cleanEnvironment();
    if (place === 'clone') return new Shell(await this.#clone(), environment);
    const folder = await this.#application(page);
    if (place === 'hub') environment['HF_ENDPOINT'] = (await this.#startHub()).address;
    if (place === 'server') {
      const { url, programs } = await (this.#server ??= TestServer.start(this.root));
      environment['DATABASE_URL'] = url;
      environment['PATH'] = `${programs}${delimiter}${environment['PATH'] ?? ''}`;
    }
    return new Shell(folder, environment);
  }

  async close(): Promise<void> {
    await (await this.#hub)?.stop();
    await (await this.#server)?.stop();
    if (this.#scratch !== undefined) await rm(this.#scratch, { recursive: true, force: true });
  }

  readonly #applications = new Map<number, Promise<string>>();

  /** A folder with what `npm install` of all tarballs leaves, for one page alone. */
  #application(page: number): Promise<string> {
    const known = this.#applications.get(page);
    if (known !== undefined) return known;
    const made = (async () => {
      const installed = await (this.#installed ??= this.#install());
      const beside = join(await this.#folder(), String(page));
      await mkdir(beside);
      await symlink(await this.#repository(), join(beside, CLONE));
      await symlink(await this.#tarballs(), join(beside, TARBALLS));
      // Hard links: a copy without its bytes. npm writes new files instead of changing one.
      await run('cp', ['-al', installed, join(beside, APPLICATION)]);
      return join(beside, APPLICATION);
    })();
    this.#applications.set(page, made);
    return made;
  }

  /** KIMERA_DOCS_TARBALLS, where `npm run pack` was run before, or a new folder. */
  #tarballs(): Promise<string> {
    return (this.#packed ??= (async () => {
      const given = process.env['KIMERA_DOCS_TARBALLS'];
      if (given !== undefined && given !== '') return given;
      const folder = join(await this.#folder(), TARBALLS);
      await run('npm', ['run', '--silent', 'pack', '--', folder], { cwd: this.root, env: cleanEnvironment() });
      return folder;
    })());
  }

  async #install(): Promise<string> {
    const tarballs = await this.#tarballs();
    const folder = join(await this.#folder(), APPLICATION);
    const environment = { ...cleanEnvironment(), ONNXRUNTIME_NODE_INSTALL: 'skip' };
    await mkdir(folder);
    const names = (await readdir(tarballs)).filter((name) => name.endsWith('.tgz'));
    await run('npm', ['init', '--yes'], { cwd: folder, env: environment });
    await run(
      'npm',
      ['install', '--no-audit', '--no-fund', '--prefer-offline', ...names.map((name) => join(tarballs, name))],
      { cwd: folder, env: environment },
    );
    return folder;
  }

  #repository(): Promise<string> {
    return this.withClone ? (this.#cloned ??= this.#makeClone()) : Promise.resolve(this.root);
  }

  async #makeClone(): Promise<string> {
    const folder = join(await this.#folder(), CLONE);
    await run('git', ['clone', '--quiet', this.root, folder]);
    await run('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder, env: cleanEnvironment() });
    return folder;
  }

  /** The clone, without what the page before left there. */
  async #clone(): Promise<string> {
    const folder = await this.#repository();
    await run('git', ['clean', '-qfd'], { cwd: folder });
    await rm(join(folder, 'data'), { recursive: true, force: true });
    await rm(join(folder, 'reports'), { recursive: true, force: true });
    return folder;
  }

  #startHub(): Promise<Hub> {
    return (this.#hub ??= (async () => {
      const checkpoints = join(await this.#folder(), 'hub');
      for (const [from, to] of Object.entries(HUB))
        await cp(join(this.root, 'fixtures/checkpoints', to), join(checkpoints, from), { recursive: true });
      return Hub.start(Object.fromEntries(Object.keys(HUB).map((id) => [id, join(checkpoints, id)])));
    })());
  }

  async #folder(): Promise<string> {
    return (this.#scratch ??= await mkdtemp(join(tmpdir(), 'kimera-docs-')));
  }
}

/** Models of the hub: small checkpoints of random weights with the layout of the real ones. */
const HUB: Readonly<Record<string, string>> = {
  'example/mine': 'bert-tiny-mean',
  'BAAI/bge-m3': 'bge-m3-tiny',
};
