import { z } from 'zod';
import { apiDocument, type ApiDocument, type Content, type Operation } from '../http/api-document.js';
import { get, type Route } from '../http/route.js';

export interface DocsParts {
  readonly routes: readonly Route[];
  readonly version: string;
  readonly prefix: string;
}

/** GET /openapi.json, GET /docs. @param routes the others; these two are in the document too. */
export function docsRoutes({ routes, version, prefix }: DocsParts): readonly Route[] {
  let document: ApiDocument | undefined;
  const made = (): ApiDocument => (document ??= apiDocument({ routes: [...routes, ...own], version, prefix }));
  const own: readonly Route[] = [
    get({
      paths: ['/openapi.json'],
      tag: 'Operations',
      summary: 'This document, for programs',
      open: true,
      answer: z.record(z.string(), z.unknown()),
      handle: (_request, response) => {
        response.json(made());
      },
    }),
    get({
      paths: ['/docs'],
      tag: 'Operations',
      summary: 'This document, for people',
      open: true,
      answer: z.string(),
      answerType: 'text/html',
      handle: (_request, response) => {
        response.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
        response.type('html').send(page(made()));
      },
    }),
  ];
  return own;
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
details { border: 1px solid #8886; border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; } summary span { opacity: .75; margin-left: .5rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; } pre { overflow: auto; padding: .6rem; background: #8881; }
td { padding: .1rem .8rem .1rem 0; vertical-align: top; }
`;

/** The document as a page without scripts; nothing is fetched from anywhere. */
function page({ info, paths }: ApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = new Set(operations.flatMap(({ operation }) => operation.tags));
  const sections = [...tags].map((tag) => {
    const here = operations.filter(({ operation }) => operation.tags.includes(tag));
    return `<h2>${escaped(tag)}</h2>${here.map(({ path, method, operation }) => operationText(path, method, operation)).join('')}`;
  });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(info.title)}</title><style>${STYLE}</style></head>
<body><h1>${escaped(info.title)} ${escaped(info.version)}</h1><p>${escaped(info.description)}</p>
<p>For programs: <a href="openapi.json">openapi.json</a></p>${sections.join('')}</body></html>`;
}

function operationText(path: string, method: string, { summary, requestBody, responses, security }: Operation): string {
  const key = security?.length === 0 ? 'no key needed' : 'with a key, where the server has keys';
  const statuses = Object.entries(responses).map(
    ([status, { description }]) => `<tr><td>${escaped(status)}</td><td>${escaped(description)}</td></tr>`,
  );
  return `<details><summary><code>${method.toUpperCase()} ${escaped(path)}</code><span>${escaped(summary)}</span></summary>
<p>${key}</p>${schemaText('Request', requestBody?.content)}${schemaText('Answer', responses['200']?.content)}
<h4>Statuses</h4><table>${statuses.join('')}</table></details>`;
}

function schemaText(title: string, content: Content | undefined): string {
  if (content === undefined) return '';
  return Object.entries(content)
    .map(
      ([type, { schema }]) =>
        `<h4>${title}: ${escaped(type)}</h4><pre>${escaped(JSON.stringify(schema, null, 2))}</pre>`,
    )
    .join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
