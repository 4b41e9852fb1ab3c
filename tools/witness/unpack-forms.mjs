// Forms of fixtures/checkpoint-forms as whole folders: node tools/witness/unpack-forms.mjs OUT [NAME ...]
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packed = fileURLToPath(new URL('../../fixtures/checkpoint-forms', import.meta.url));
const [out, ...names] = process.argv.slice(2);
if (out === undefined) throw new Error('usage: node tools/witness/unpack-forms.mjs OUT [NAME ...]');
const forms = readdirSync(packed).filter((name) => name !== 'shared' && name !== 'PROVENANCE.md');
for (const name of names.length === 0 ? forms : names) {
  cpSync(join(packed, name), join(out, name), { recursive: true });
  const list = join(out, name, 'shared.json');
  const shared = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : {};
  rmSync(list, { force: true });
  for (const [file, source] of Object.entries(shared)) {
    mkdirSync(dirname(join(out, name, file)), { recursive: true });
    cpSync(join(packed, 'shared', source), join(out, name, file));
  }
}
