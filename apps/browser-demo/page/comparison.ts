import { cosine, maxAbsDifference, shortFingerprint, type Embedding } from '@kimera/core';

const SVG = 'http://www.w3.org/2000/svg';
/** Numbers drawn: enough to see the shape. */
const DRAWN = 96;

/** One text with its two vectors: the browser's numbers as bars, the server's as dots on them. */
export function comparison(
  text: string,
  { dense = new Float32Array(), tokens, totalTokens, truncated, space }: Embedding,
  server: readonly number[],
): HTMLElement {
  const article = document.createElement('article');
  const title = document.createElement('h2');
  title.textContent = text;
  const figures = document.createElement('p');
  figures.className = 'figures';
  figures.textContent = `${tokens} tokens${truncated ? `, cut from ${totalTokens}` : ''} · ${dense.length} numbers · space ${shortFingerprint(space)} · cosine ${cosine(dense, server).toFixed(7)} · largest difference ${maxAbsDifference(dense, server).toExponential(1)}`;
  article.append(title, figures, numbers('browser', dense), numbers('server', server), drawing(dense, server));
  return article;
}

function numbers(name: 'browser' | 'server', vector: ArrayLike<number>): HTMLElement {
  const line = document.createElement('p');
  line.className = name;
  line.textContent = `${name}: ${Array.from(vector)
    .slice(0, 6)
    .map((value) => value.toFixed(6))
    .join(', ')}, …`;
  return line;
}

function drawing(browser: ArrayLike<number>, server: ArrayLike<number>): SVGElement {
  const width = 8;
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${DRAWN * width} 60`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `the first ${DRAWN} numbers of both vectors`);
  const most = Math.max(...Array.from(browser).slice(0, DRAWN).map(Math.abs));
  const height = (value: number): number => (28 * value) / most;
  for (let i = 0; i < Math.min(DRAWN, browser.length); i++) {
    const [ours, theirs] = [height(browser[i] ?? 0), height(server[i] ?? 0)];
    const bar = document.createElementNS(SVG, 'rect');
    const dot = document.createElementNS(SVG, 'rect');
    const place = (element: SVGElement, fields: Readonly<Record<string, number | string>>): void =>
      Object.entries(fields).forEach(([name, value]) => element.setAttribute(name, String(value)));
    place(bar, {
      x: i * width + 1,
      y: 30 - Math.max(ours, 0),
      width: width - 3,
      height: Math.abs(ours),
      fill: 'var(--browser)',
    });
    place(dot, { x: i * width, y: 30 - theirs - 1, width: width - 1, height: 2, fill: 'var(--server)' });
    svg.append(bar, dot);
  }
  return svg;
}
