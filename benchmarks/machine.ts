import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The head of every result: what it was measured on, with what, and how to measure it again. */
export function machineLines(): readonly string[] {
  const processors = cpus();
  const version = (name: string): string =>
    z
      .object({ version: z.string() })
      .parse(JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')))
      .version;
  const [, script = '', ...rest] = process.argv;
  return [
    `- machine: ${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}${vectorExtensions()}`,
    // Beside other work absolute figures mean little, ratios within one run something.
    `- other work: load of ${(loadavg()[0] ?? 0).toFixed(1)} over the minute before this line was printed`,
    `- versions: node ${process.versions.node}, onnxruntime-node ${version('onnxruntime-node')}, onnxruntime-web ${version('onnxruntime-web')}`,
    `- command: \`${['npx tsx', relative(root, script), ...rest.map(placeholder)].join(' ')}\``,
  ];
}

/** Paths of this machine say nothing elsewhere. */
function placeholder(argument: string): string {
  return argument.startsWith('/') ? 'DIR' : argument;
}

/** The instruction sets that decide the speed of inference, where the system tells them. */
function vectorExtensions(): string {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
    const known = ['avx2', 'avx512f', 'avx512_vnni', 'amx_int8'].filter((flag) => flags.includes(flag));
    return known.length === 0 ? '' : ` (${known.join(', ')})`;
  } catch {
    return '';
  }
}

/** A markdown table. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** The value below which `share` of the values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
