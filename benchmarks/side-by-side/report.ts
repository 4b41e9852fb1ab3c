import { table } from '../machine.js';
import type { CellResult, SystemResult } from './results.js';
import { fastest, isOurs, summariesOf, type Summary } from './summary.js';

/** A run as Markdown: ratios of all cells first, then each cell in full. */
export function reportOf(cells: readonly CellResult[]): string {
  const systems = [...new Map(cells.flatMap((cell) => cell.systems.map((one) => [one.name, one] as const))).values()];
  const [first] = cells;
  return [
    '# Side by side with other libraries and servers',
    '',
    ...(first?.machine ?? []),
    `- versions of the others: ${versionsOf(systems)}`,
    '',
    'Speed as a multiple of sentence-transformers on PyTorch in float32 (over HTTP: of Infinity; of all heads and of a migration: of Kimera in float32 as a',
    'library), in the same round; the median of the rounds. In brackets the',
    'least cosine to the vectors of sentence-transformers in float32. The fastest is bold. Each system runs in a process of its own with its own defaults, in',
    "batches of 32, Kimera's library with packed weights, as its server; all of them take turns, round by round. — : not what it does; missing: see below.",
    '',
    ratioTable(cells, systems),
    '',
    ...leads(cells),
    '',
    ...missing(cells),
    ...cells.flatMap((cell) => ['', ...section(cell)]),
    '',
    'The XLM-R large model has random weights: its cosines tell whether the same is computed, not what 8 bits cost a real model. Memory is the process’s after',
    'the last round: private (USS), and with shared pages divided among those who share them (PSS). Processor time is that of all threads.',
    '',
  ].join('\n');
}

function ratioTable(cells: readonly CellResult[], systems: readonly SystemResult[]): string {
  const rows = cells.map((cell) => {
    const summaries = summariesOf(cell);
    const best = fastest(cell)?.system.name;
    return [
      cell.title,
      ...systems.map(({ name }) => {
        const result = cell.systems.find((one) => one.name === name);
        if (result === undefined) return '—';
        const summary = summaries.find(({ system }) => system.name === name);
        if (summary === undefined) return 'missing';
        const text = `${figureOf(summary, cell)}${fidelityOf(result)}`;
        return name === best ? `**${text}**` : text;
      }),
    ];
  });
  return table(['', ...systems.map(({ title }) => title)], rows);
}

/** Without a reference beside it, the figure itself. */
function figureOf({ ratio, median }: Summary, { unit }: CellResult): string {
  return ratio === undefined ? `${number(median)} ${unit}` : `× ${ratio.toFixed(2)}`;
}

function fidelityOf({ leastCosine }: SystemResult): string {
  return leastCosine === undefined ? '' : ` (${leastCosine.toFixed(5)})`;
}

/** Where another one is faster than both of ours. */
function leads(cells: readonly CellResult[]): readonly string[] {
  const lines = cells.flatMap((cell) => {
    const [ours, peer] = [fastest(cell, isOurs), fastest(cell, (name) => !isOurs(name))];
    if (ours === undefined || peer === undefined) return [];
    const lead = cell.unit === 'ms' ? ours.median / peer.median : peer.median / ours.median;
    if (lead <= 1) return [];
    return [
      `- ${cell.title}: ${peer.system.title} leads, × ${lead.toFixed(2)} of ${ours.system.title}${against(peer.system, ours.system)}`,
    ];
  });
  const compared = cells.some((cell) => fastest(cell, (name) => !isOurs(name)) !== undefined);
  if (lines.length > 0) return ['Where another one leads on this machine:', '', ...lines];
  return compared ? ['On this machine no other one leads in any of these cells.'] : [];
}

function against(peer: SystemResult, ours: SystemResult): string {
  return peer.leastCosine === undefined || ours.leastCosine === undefined
    ? ''
    : ` (least cosine ${peer.leastCosine.toFixed(5)} against ${ours.leastCosine.toFixed(5)})`;
}

function missing(cells: readonly CellResult[]): readonly string[] {
  const reasons = new Map<string, string[]>();
  for (const { cell, systems } of cells)
    for (const { title, missing: reason } of systems) {
      if (reason === undefined) continue;
      const key = `${title}: ${reason}`;
      reasons.set(key, [...(reasons.get(key) ?? []), cell]);
    }
  if (reasons.size === 0) return [];
  return ['Missing:', '', ...[...reasons].map(([reason, names]) => `- ${reason} (${names.join(', ')})`)];
}

function section(cell: CellResult): readonly string[] {
  const rows = summariesOf(cell).map(({ system, median, least, most, ratio }) => [
    system.title,
    `${number(median)} (${number(least)} to ${number(most)})${system.onlyFirst ? ', one round: slow' : ''}`,
    cell.unit === 'ms' ? '' : number(median * cell.tokens),
    system.p95.length === 0 ? '' : number(middle(system.p95)),
    ratio === undefined ? '' : ratio.toFixed(2),
    system.leastCosine?.toFixed(6) ?? '',
    system.cpuSecondsPerText === undefined ? '' : number(1_000 * system.cpuSecondsPerText),
    megabytes(system.privateBytes),
    megabytes(system.proportionalBytes),
    system.loadSeconds?.toFixed(1) ?? '',
  ]);
  return [
    `## ${cell.title} (\`${cell.cell}\`)`,
    '',
    table(
      [
        'system',
        `${cell.unit}, median (least to most)`,
        'tokens/s',
        'p95, ms',
        '×',
        'least cosine',
        'processor ms a text',
        'private MB',
        'PSS MB',
        'start, s',
      ],
      rows,
    ),
  ];
}

function versionsOf(systems: readonly SystemResult[]): string {
  const versions = new Map(
    systems.filter(({ name }) => !isOurs(name)).flatMap(({ versions: own }) => Object.entries(own)),
  );
  return [...versions].map((entry) => entry.join(' ')).join(', ');
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : (bytes / 2 ** 20).toFixed(0);
}

/** Three digits that count. */
function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}
