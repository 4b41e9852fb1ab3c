import { z } from 'zod';
import type { EmbedRequest, WorkerAnswer } from './protocol.js';
import { comparison } from './comparison.js';

const element = <Kind extends HTMLElement>(selector: string, kind: new () => Kind): Kind => {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
};
const status = element('#status', HTMLParagraphElement);
const form = element('#form', HTMLFormElement);
const button = element('#form button', HTMLButtonElement);
const area = element('#texts', HTMLTextAreaElement);
const results = element('#results', HTMLElement);

const worker = new Worker(new URL('./model-worker.ts', import.meta.url), { type: 'module' });
let texts: readonly string[] = [];
/** What the page's own server answers: the vectors of the native backend. */
const answerSchema = z.object({ vectors: z.array(z.array(z.number())) });

worker.onmessage = async ({ data }: MessageEvent<WorkerAnswer>): Promise<void> => {
  if (data.kind === 'failed') {
    status.className = 'failed';
    status.textContent = `${data.code}: ${data.message}`;
    return;
  }
  button.disabled = false;
  if (data.kind === 'ready') {
    status.textContent = `${data.modelId} (${data.variant}) opened in ${data.milliseconds.toFixed(0)} ms: the hashes of its files were checked, and its probes hold. Space ${data.space}`;
    document.body.dataset['state'] = 'ready';
    return;
  }
  const answer = await fetch('/embed', { method: 'POST', body: JSON.stringify({ texts }) });
  const server = answerSchema.parse(await answer.json());
  results.replaceChildren(
    ...data.embeddings.map((embedding, i) => comparison(texts[i] ?? '', embedding, server.vectors[i] ?? [])),
  );
  document.body.dataset['vectors'] = JSON.stringify(data.embeddings.map(({ dense }) => Array.from(dense ?? [])));
  document.body.dataset['space'] = data.embeddings[0]?.space ?? '';
  document.body.dataset['state'] = 'embedded';
};

form.onsubmit = (event): void => {
  event.preventDefault();
  button.disabled = true;
  texts = area.value.split('\n').filter((line) => line !== '');
  const request: EmbedRequest = { texts };
  worker.postMessage(request);
};
