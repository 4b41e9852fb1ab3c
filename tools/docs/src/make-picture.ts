// npm run picture -w tools/docs: docs/images/migration.svg, a terminal with what a migration of docs/samples really prints.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const MODEL = join(root, 'models/multilingual-e5-small');
/** Wider lines would make the letters too small where a page shows the picture: they end in `…`. */
const COLUMNS = 124;
const LINE = 19;
const LETTER = 7.83;
const MARGIN = 18;

const folder = mkdtempSync(join(tmpdir(), 'kimera-picture-'));
const kimera = (...words: readonly string[]): readonly string[] => {
  const run = spawnSync(process.execPath, [join(root, 'tools/kimera/bin/kimera.mjs'), 'migrate', ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NO_COLOR: '1' },
  });
  if (run.status !== 0) throw new Error(`${words.join(' ')}: ${run.stderr}`);
  return run.stdout.trimEnd().split('\n');
};
const shown = (
  words: readonly string[],
  lines: (printed: readonly string[]) => readonly string[],
): readonly string[] => ['', `$ npx kimera migrate ${words.join(' ')}`, ...lines(kimera(...words))];

try {
  execFileSync('cp', [join(root, 'docs/samples/docs.jsonl'), join(root, 'docs/samples/judged.jsonl'), folder]);
  kimera('init', '--collection', 'docs', '--rows', 'docs.jsonl');
  kimera('plan', '--collection', 'docs', '--to', MODEL);
  kimera('start', '--collection', 'docs');
  kimera('work', '--collection', 'docs');
  const state = (printed: readonly string[]): readonly string[] =>
    printed.filter((line) => /^ {2}(from|to) /.test(line));
  const lines = [
    ...shown(['verify', '--collection', 'docs', '--queries', 'judged.jsonl'], (printed) =>
      printed.slice(0, printed.findIndex((line) => /^(GO|NO-GO|INCONCLUSIVE)/.test(line)) + 1),
    ),
    ...shown(['cutover', '--collection', 'docs'], state),
    ...shown(['rollback', '--collection', 'docs'], state),
  ].slice(1);
  writeFileSync(join(root, 'docs/images/migration.svg'), picture(lines));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function picture(lines: readonly string[]): string {
  const width = Math.round(COLUMNS * LETTER + 2 * MARGIN);
  const height = lines.length * LINE + 2 * MARGIN;
  const texts = lines.map((line, i) => {
    const text = line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1).replace(/\s*\S*$/, '')} …` : line;
    return `<text x="${MARGIN}" y="${MARGIN + 13 + i * LINE}" xml:space="preserve">${coloured(text)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>A migration is verified with the verdict GO, cut over and rolled back</title>
<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d6deeb}.good{fill:#7fdb8a;font-weight:bold}.command{fill:#82aaff}.head{fill:#8795a8}</style>
<rect width="${width}" height="${height}" rx="8" fill="#0f1722"/>
${texts.join('\n')}
</svg>
`;
}

function coloured(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  if (text.startsWith('$ ')) return `<tspan class="command">${escaped}</tspan>`;
  if (text.startsWith('CHECK ')) return `<tspan class="head">${escaped}</tspan>`;
  return escaped.replace(/^GO\b|\bGO$|\byes$|\bACTIVE\b/g, '<tspan class="good">$&</tspan>');
}
