import * as echarts from 'echarts';
import type { CellResult } from './results.js';
import { isOurs, summariesOf } from './summary.js';

const TEXT = '#57606a';
const PEERS = ['#ced4da', '#868e96', '#b8a9c9', '#5c677d', '#d4c5a9', '#8f9779', '#c9ada7', '#9a8c98', '#adb5bd'];
const OURS: Readonly<Record<string, string>> = { 'kimera-fp32': '#3bc9db', 'kimera-int8': '#0b7285' };
const WIDTH = 960;

/** Speed of every system in every cell, as a multiple of the reference: SVG. @param subtitle the machine. */
export function chartOf(cells: readonly CellResult[], subtitle: string): string {
  const shown = cells.filter((cell) => summariesOf(cell).some(({ ratio }) => ratio !== undefined));
  const names = [
    ...new Map(shown.flatMap(summariesOf).map(({ system }) => [system.name, system.title] as const)).entries(),
  ].sort(([a], [b]) => Number(isOurs(a)) - Number(isOurs(b)));
  let peers = 0;
  const series = names.map(([name, title]): echarts.BarSeriesOption => ({
    type: 'bar',
    name: shortOf(title),
    color: OURS[name] ?? PEERS[peers++ % PEERS.length] ?? TEXT,
    barMaxWidth: 14,
    data: shown.map((cell) => ratioOf(cell, name)),
    label: { show: true, position: 'top', fontSize: 9, color: TEXT, formatter: ({ value }) => labelOf(value) },
  }));
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: 470 });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    title: {
      text: 'Speed as a multiple of sentence-transformers (ST) on PyTorch fp32; over HTTP: of Infinity',
      subtext: subtitle,
      left: 12,
      top: 6,
      textStyle: { fontSize: 14, color: '#1f2328' },
      subtextStyle: { fontSize: 11, color: TEXT },
    },
    grid: { left: 44, right: 12, top: 150, bottom: 60 },
    legend: { top: 52, left: 12, itemGap: 34, itemWidth: 14, textStyle: { color: TEXT, fontSize: 11 } },
    xAxis: {
      type: 'category',
      data: shown.map(({ title }) => title.replace(/, /g, '\n')),
      axisLabel: { color: TEXT, fontSize: 10, lineHeight: 12, interval: 0 },
    },
    yAxis: { type: 'value', name: '×', min: 0, axisLabel: { color: TEXT }, nameTextStyle: { color: TEXT } },
    series,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function ratioOf(cell: CellResult, name: string): number | null {
  const ratio = summariesOf(cell).find(({ system }) => system.name === name)?.ratio;
  return ratio === undefined ? null : Number(ratio.toFixed(2));
}

/** The width of text is only estimated where there is no browser: short names do not run into each other. */
function shortOf(title: string): string {
  return title.replace('sentence-transformers', 'ST').replace(' (node-llama-cpp)', '');
}

function labelOf(value: unknown): string {
  return typeof value === 'number' ? value.toFixed(1) : '';
}
