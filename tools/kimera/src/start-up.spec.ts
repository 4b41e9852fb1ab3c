import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from './run-kimera.fixture.js';

/** Packages that a file imports before any of its code runs, its own files followed; types and `import()` do not count. */
function packagesOf(file: string, seen = new Set<string>()): ReadonlySet<string> {
  const packages = new Set<string>();
  if (seen.has(file)) return packages;
  seen.add(file);
  for (const [, names = '', from = ''] of readFileSync(file, 'utf8').matchAll(/^import ([^;]*?) from '([^']+)';/gms)) {
    const isType = names.startsWith('type ') || /^\{(\s*type \w+,?)+\s*\}$/.test(names);
    if (isType) continue;
    if (!from.startsWith('.')) packages.add(from);
    else for (const each of packagesOf(join(dirname(file), from.replace(/\.js$/, '.ts')), seen)) packages.add(each);
  }
  return packages;
}

const loaded = (file: string): readonly string[] =>
  [...packagesOf(join(root, 'tools/kimera/src', file))].filter((name) => !name.startsWith('node:')).sort();

describe('what is loaded', () => {
  it('before the command is known: no model, no database, no schema', () => {
    expect(loaded('main.ts')).toEqual(['@kimera/core', 'commander', 'picocolors']);
  });

  it.each(['migrate/index.ts', 'models/index.ts', 'embed.ts', 'serve.ts', 'doctor.ts', 'search.ts'])(
    'for the help of a command: no backend and no engine (%s)',
    (file) => {
      const light = ['@kimera/core', '@kimera/serving/shipped-models', 'commander', 'zod'];
      expect(loaded(`commands/${file}`).filter((name) => !light.includes(name))).toEqual([]);
    },
  );
});
