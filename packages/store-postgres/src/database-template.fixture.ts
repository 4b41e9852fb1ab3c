import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs before all specs: where the first that needs a database makes one for all. It goes when the process ends. */
export default function makeFolder(): void {
  const folder = mkdtempSync(join(tmpdir(), 'kimera-store-template-'));
  process.env['KIMERA_TEMPLATE'] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}
