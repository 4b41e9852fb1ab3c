import { readFile } from 'node:fs/promises';
import wabt from 'wabt';

/** The text form of WebAssembly as a module, in base64. */
export async function compileWat(path: URL): Promise<string> {
  const { parseWat } = await wabt();
  const module = parseWat(path.pathname, await readFile(path, 'utf8'));
  module.validate();
  return Buffer.from(module.toBinary({}).buffer).toString('base64');
}
