import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is built of a package: `exports` and `bin` of its package.json name `dist/NAME.js`, which is made from `src/NAME.ts`. */
export function entriesOf(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const targets = [...targetsIn(manifest.exports ?? {}), ...(manifest.kimera?.entries ?? [])];
  const names = new Set(targets.flatMap((target) => /^\.\/dist\/(.+)\.js$/.exec(target)?.[1] ?? []));
  return { manifest, names: [...names].sort() };
}

function targetsIn(exports) {
  return typeof exports === 'string' ? [exports] : Object.values(exports).flatMap(targetsIn);
}
