import type { CheckResult } from '../checks.js';
import { gateChart, qualityChart } from './charts.js';
import type { Report } from './report.js';

const STYLE = `
:root { color-scheme: light; --ink: #1f2933; --soft: #57606a; --line: #d9e2ec; --good: #2b8a3e; --bad: #c92a2a }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 900px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.7rem; margin-bottom: .2rem } h2 { font-size: 1.2rem; margin-top: 2.2rem }
p.lead, footer { color: var(--soft) } table { border-collapse: collapse; width: 100%; margin: .6rem 0 } th { text-align: left; font-weight: 600 }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; vertical-align: top } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
.good { color: var(--good) } .bad { color: var(--bad); font-weight: 600 } code { font-size: .88em; background: #f1f5f9; padding: .1em .3em; border-radius: 3px }
.tiles { display: flex; gap: 1rem; flex-wrap: wrap; margin: 1.2rem 0 } .tile { border: 1px solid var(--line); border-radius: 8px; padding: .7rem 1rem; min-width: 9rem }
.tile b { display: block; font-size: 1.45rem } .tile span { color: var(--soft); font-size: .88rem } svg { max-width: 100%; height: auto }
@media print { body { margin: 0 } h2 { break-after: avoid } table { break-inside: auto } }`;

/** One self-contained page: no script, no network. */
export function reportHtml(report: Report): string {
  const { backendKilled, journey, reverse, swap, cranfield, machine } = report;
  const gates = [
    { name: 'MiniLM → e5', verification: journey.verification },
    { name: 'e5 → MiniLM', verification: reverse },
    ...(cranfield === null ? [] : [{ name: 'Cranfield, MiniLM → e5', verification: cranfield }]),
  ];
  const { quality } = journey.verification;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Migration tests ${report.date.slice(0, 10)}</title><style>${STYLE}</style></head><body>
<h1>Migration tests</h1>
<p class="lead">A live collection of ${journey.rows.toLocaleString('en')} texts in five languages moved from <b>all-MiniLM-L6-v2</b> to <b>multilingual-e5-small</b> and back, while it was read and written.</p>
<div class="tiles">
${tile(`${report.passed} of ${report.passed + report.failed}`, 'checks hold', report.failed === 0 ? 'good' : 'bad')}
${tile(`${quality?.source.toFixed(3)} → ${quality?.target.toFixed(3)}`, 'nDCG@10, five languages mixed')}
${tile(`${journey.cutover.blockedMilliseconds.toFixed(0)} ms`, 'writers waited at the cutover')}
${tile(`${journey.rollback.blockedMilliseconds.toFixed(0)} ms`, 'writers waited at the rollback')}
${tile(String(journey.traffic.errors.length), `errors in ${journey.traffic.searches} searches and ${journey.traffic.edits + journey.traffic.inserts + journey.traffic.deletes} writes`, journey.traffic.errors.length === 0 ? 'good' : 'bad')}
</div>
<h2>Quality before and after</h2>
<p>The sentence that answers the question, among all sentences of a language; ${journey.before[0]?.questions.toLocaleString('en')} questions a language.</p>
${qualityChart(journey.before, journey.after)}
<h2>The gates</h2>
<p>One-sided non-inferiority by betting on each query in turn: GO where the e-value against a loss of δ reaches 20, NO-GO where that against a smaller one does, else INCONCLUSIVE; valid however often it is asked (docs/statistics.md). Drawn is the paired bootstrap over queries, 5th to 95th percentile of the mean difference.</p>
${gateChart(gates)}
${gates.map(({ name, verification: { verdict, reason } }) => `<p>${escape(name)}: <b>${verdict}</b>. ${escape(reason)}</p>`).join('\n')}
<p>The other model of the same dimension under the expected fingerprint: <b class="${swap.verdict === 'NO-GO' ? 'good' : 'bad'}">${swap.verdict}</b>. ${escape(swap.reason)}</p>
<h2>The models on this machine</h2>
${table(
  ['model', 'variant', 'texts/s', 'tokens/s', 'one question p50', 'p95', 'load', 'peak memory'],
  report.models.map(({ modelId, variant, speed }) => [
    modelId,
    variant,
    speed.textsPerSecond.toFixed(0),
    speed.tokensPerSecond.toFixed(0),
    `${speed.p50Milliseconds.toFixed(1)} ms`,
    `${speed.p95Milliseconds.toFixed(1)} ms`,
    `${speed.loadSeconds.toFixed(1)} s`,
    `${speed.peakMegabytes.toFixed(0)} MB`,
  ]),
)}
<p>Backfill with one worker beside the traffic: ${journey.backfillSeconds.toFixed(0)} s, one kill included. Searches while it ran: p50 ${journey.traffic.p50Milliseconds.toFixed(0)} ms, p95 ${journey.traffic.p95Milliseconds.toFixed(0)} ms, slowest ${journey.traffic.slowestMilliseconds.toFixed(0)} ms.</p>
<h2>Similarity thresholds</h2>
<p>A threshold in the old space, and the one that lets through the same share of best hits in the new.</p>
${table(
  ['share let through', 'old', 'new'],
  journey.verification.thresholds.map(({ share, source, target }) => [
    `${(share * 100).toFixed(0)} %`,
    source.toFixed(3),
    target.toFixed(3),
  ]),
)}
<h2>Degrading without changing the space</h2>
<p>${report.modes.filter(({ holds }) => holds).length} of ${report.modes.length} combinations of USE_ONNX, LIGHTWEIGHT_EMBEDDING, FALLBACK_SPACE, EMBEDDING_DIM, a model that is there, absent or corrupt, and a native runtime that loads or fails do what the table says.</p>
<p>The native worker killed ${backendKilled.kills} times under load: ${backendKilled.texts.toLocaleString('en')} texts, ${backendKilled.failedCalls} failed calls, least cosine ${backendKilled.leastCosine.toFixed(7)}; answered while ${Object.entries(
    backendKilled.byBackend,
  )
    .map(([name, count]) => `${name} served: ${count}`)
    .join(', ')}.</p>
<details><summary>What the log said</summary><pre>${escape(backendKilled.log.join('\n'))}</pre></details>
<h2>All checks</h2>
${[...new Set(report.checks.map(({ scenario }) => scenario))].map((scenario) => `<h3>${escape(scenario)}</h3>${checkTable(report.checks.filter((check) => check.scenario === scenario))}`).join('\n')}
<footer><p>${report.date} · <code>${escape(report.command)}</code> · ${report.seconds.toFixed(0)} s · ${escape(machine.processor)}, ${machine.cores} cores, ${machine.memoryGigabytes} GB · ${escape(machine.system)} · node ${machine.node} · ${Object.entries(
    machine.versions,
  )
    .map(([name, version]) => `${name} ${version}`)
    .join(' · ')}</p></footer>
</body></html>
`;
}

function tile(value: string, label: string, kind = ''): string {
  return `<div class="tile"><b class="${kind}">${escape(value)}</b><span>${escape(label)}</span></div>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, values: readonly string[]): string =>
    `<tr>${values.map((value, i) => `<${tag}${i === 0 ? '' : ' class="number"'}>${escape(value)}</${tag}>`).join('')}</tr>`;
  return `<table>${cells('th', head)}${rows.map((row) => cells('td', row)).join('')}</table>`;
}

function checkTable(checks: readonly CheckResult[]): string {
  return `<table>${checks.map(({ name, holds, detail }) => `<tr><td class="${holds ? 'good' : 'bad'}">${holds ? 'holds' : 'FAILS'}</td><td>${escape(name)}</td><td>${escape(detail)}</td></tr>`).join('')}</table>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
