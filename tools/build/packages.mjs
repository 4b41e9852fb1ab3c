import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every package of the workspace: its folder, from the root, and its package.json. */
export function allPackages(groups = ['packages', 'apps', 'tools', 'models']) {
  return groups
    .flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name)))
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) }));
}

/** Those that are published. */
export function publicPackages() {
  return allPackages().filter(({ manifest }) => manifest.private !== true);
}

/**
 * What is built of a package: `exports` of its package.json and its programs (`kimera.entries`) name `dist/NAME.js`,
 * which is made from `src/NAME.ts`.
 */
export function entriesOf(manifest) {
  const targets = [...targetsIn(manifest.exports ?? {}), ...(manifest.kimera?.entries ?? [])];
  return [...new Set(targets.flatMap((target) => /^\.\/dist\/(.+)\.js$/.exec(target)?.[1] ?? []))].sort();
}

function targetsIn(exports) {
  return typeof exports === 'string' ? [exports] : Object.values(exports).flatMap(targetsIn);
}
