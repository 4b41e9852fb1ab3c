// Each class exists once, whether it comes by `import` or by `require`, and from whichever entry. Arguments: names of
// packages. Prints how many classes it compared.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const isClass = (value) => typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
/** Class name and package → the class. */
const seen = new Map();
const differing = [];
for (const name of process.argv.slice(2)) {
  const { exports } = require(`${name}/package.json`);
  for (const [entry, conditions] of Object.entries(exports)) {
    // Workers are started, not imported.
    if (typeof conditions === 'string' || entry.endsWith('-worker')) continue;
    const specifier = join(name, entry);
    const required = require(specifier);
    const imported = await import(specifier);
    for (const module of [required, imported])
      for (const [key, value] of Object.entries(module)) {
        if (!isClass(value)) continue;
        const known = seen.get(key);
        if (known === undefined) seen.set(key, { value, specifier });
        else if (known.value !== value) differing.push(`${key} of ${specifier} is not that of ${known.specifier}`);
      }
  }
}
for (const line of differing) console.error(line);
console.log(JSON.stringify({ classes: seen.size, differing: differing.length }));
process.exit(seen.size > 0 && differing.length === 0 ? 0 : 1);
