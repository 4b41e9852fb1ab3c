import type { Verification } from '@kimera/migration';
import * as echarts from 'echarts';
import type { PairQuality } from '../quality.js';

const TEXT = '#57606a';
const OLD = '#9aa5b1';
const NEW = '#0b7285';
const VERDICTS = { GO: '#2b8a3e', 'NO-GO': '#c92a2a', INCONCLUSIVE: '#e67700' } as const;
const WIDTH = 860;

/** Questions and sentences by language: nDCG@10 before and after. */
export function qualityChart(before: readonly PairQuality[], after: readonly PairQuality[]): string {
  const label = ({ from, to }: PairQuality): string => (from === to ? from : `${from} → ${to}`);
  const bars = (pairs: readonly PairQuality[], name: string, color: string): echarts.BarSeriesOption => ({
    type: 'bar',
    name,
    color,
    data: pairs.map(({ ndcg }) => ndcg),
    label: {
      show: true,
      position: 'top',
      fontSize: 10,
      color: TEXT,
      formatter: ({ value }) => Number(value).toFixed(2),
    },
  });
  return render(320, {
    grid: { left: 48, right: 12, top: 44, bottom: 32 },
    legend: { top: 4, itemGap: 48, textStyle: { color: TEXT } },
    xAxis: { type: 'category', data: before.map(label), axisLabel: { color: TEXT } },
    yAxis: {
      type: 'value',
      name: 'nDCG@10',
      min: 0,
      max: 1,
      axisLabel: { color: TEXT },
      nameTextStyle: { color: TEXT },
    },
    series: [bars(before, 'all-MiniLM-L6-v2', OLD), bars(after, 'multilingual-e5-small', NEW)],
  });
}

/** The interval of each gate against its margin: all to the right of −δ is GO, all to the left NO-GO. */
export function gateChart(gates: readonly { readonly name: string; readonly verification: Verification }[]): string {
  const judged = gates.flatMap(({ name, verification: { gate, verdict } }) =>
    gate === null ? [] : [{ name: `${name}\n${verdict}`, gate, color: VERDICTS[verdict] }],
  );
  const margin = judged[0]?.gate.margin ?? 0;
  return render(90 + judged.length * 64, {
    grid: { left: 190, right: 30, top: 34, bottom: 44 },
    xAxis: {
      type: 'value',
      name: 'difference of mean nDCG@10, new − old (5th to 95th percentile)',
      nameLocation: 'middle',
      nameGap: 28,
      axisLabel: { color: TEXT },
      nameTextStyle: { color: TEXT },
    },
    yAxis: { type: 'category', data: judged.map(({ name }) => name), axisLabel: { color: TEXT }, inverse: true },
    series: [
      {
        type: 'custom',
        data: judged.map(({ gate }, i) => [i, gate.p5, gate.meanDifference, gate.p95]),
        encode: { x: [1, 2, 3], y: 0 },
        renderItem: (_parameters: echarts.CustomSeriesRenderItemParams, api: echarts.CustomSeriesRenderItemAPI) => {
          const row = Number(api.value(0));
          const [from, middle, to] = [1, 2, 3].map((k) => api.coord([Number(api.value(k)), row]));
          const [x1 = 0, y = 0] = from ?? [];
          const [x2 = 0] = to ?? [];
          const [cx = 0] = middle ?? [];
          const stroke = judged[row]?.color ?? TEXT;
          return {
            type: 'group',
            children: [
              { type: 'line', shape: { x1, y1: y, x2, y2: y }, style: { stroke, lineWidth: 5 } },
              { type: 'circle', shape: { cx, cy: y, r: 6 }, style: { fill: stroke } },
            ],
          };
        },
        markLine: {
          symbol: 'none',
          silent: true,
          lineStyle: { color: '#c92a2a', type: 'dashed' },
          label: { formatter: `−δ = −${margin}`, color: '#c92a2a', position: 'start' },
          data: [{ xAxis: -margin }],
        },
      },
    ],
  });
}

function render(height: number, option: echarts.EChartsCoreOption): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({ animation: false, textStyle: { fontFamily: 'system-ui, sans-serif' }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
