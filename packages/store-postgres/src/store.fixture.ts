import { cpSync, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyDatabase } from '@kimera/testing';
import { openStore } from './open-store.js';

export { embeddedConnection, SqlApplication } from './application.fixture.js';

/** Temporary folders of a spec, and copies of a database that is made once for all specs, since making one takes seconds. */
export class TemporaryFolders {
  readonly #made: string[] = [];

  async empty(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'kimera-store-'));
    this.#made.push(folder);
    return folder;
  }

  /** A folder with a database that has the schema and no collection. */
  async withDatabase(): Promise<string> {
    // jest.setup.cjs. Spec files run one after the other.
    const template = join(process.env['KIMERA_TEMPLATE'] ?? '', 'store');
    if (!existsSync(template)) {
      await emptyDatabase(template);
      await (await openStore({ database: template })).close();
    }
    return this.copy(template);
  }

  /** Of the folder of a database that is closed. */
  async copy(from: string): Promise<string> {
    const folder = await this.empty();
    // A promise for each of hundreds of files would take longer than the files.
    cpSync(from, folder, { recursive: true });
    return folder;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#made.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
  }
}
