import type { ServerResponse } from 'node:http';
import type { Embedding } from '@kimera/core';

/** What a request that embeds something costs: for the headers of its answer, and for the metrics. */
export class RequestMeasure {
  readonly #started = performance.now();
  /** UTF-16 units of the texts. */
  characters = 0;
  /** Tokens of each input, as the model saw it. */
  tokens: readonly number[] = [];
  /** Milliseconds. */
  tokenization = 0;
  /** Milliseconds until the first of the inputs was computed. */
  queue = 0;
  /** Milliseconds from then until all were. */
  inference = 0;

  /** Milliseconds until now. */
  get total(): number {
    return performance.now() - this.#started;
  }

  get totalTokens(): number {
    return this.tokens.reduce((sum, tokens) => sum + tokens, 0);
  }

  /** The same for `work`, which is added to what was measured before. */
  async timed<T>(part: 'tokenization', work: Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work;
    } finally {
      this[part] += performance.now() - started;
    }
  }

  /** Calls side by side: the longer one counts. */
  readonly onTimes = ({ queue, inference }: { readonly queue: number; readonly inference: number }): void => {
    this.queue = Math.max(this.queue, queue);
    this.inference = Math.max(this.inference, inference);
  };

  /** @param texts of the inputs, those of them that are texts. */
  embedded(embeddings: readonly Embedding[], texts: readonly string[]): void {
    this.tokens = [...this.tokens, ...embeddings.map(({ tokens }) => tokens)];
    this.characters += texts.reduce((sum, { length }) => sum + length, 0);
  }
}

const MEASURES = new WeakMap<ServerResponse, RequestMeasure>();

/** That of the request that is answered; made when it is asked for first. */
export function measureOf(response: ServerResponse): RequestMeasure {
  const known = MEASURES.get(response);
  if (known !== undefined) return known;
  const measure = new RequestMeasure();
  MEASURES.set(response, measure);
  return measure;
}

/** Undefined where the request embeds nothing. */
export function measured(response: ServerResponse): RequestMeasure | undefined {
  return MEASURES.get(response);
}

/** Headers of text-embeddings-inference: milliseconds, characters and tokens as whole numbers. */
export function setComputeHeaders(response: ServerResponse): void {
  const { tokenization, queue, inference, characters, total, totalTokens } = measureOf(response);
  const figures = {
    'x-compute-time': tokenization + inference,
    'x-compute-characters': characters,
    'x-compute-tokens': totalTokens,
    'x-total-time': total,
    'x-tokenization-time': tokenization,
    'x-queue-time': queue,
    'x-inference-time': inference,
  };
  response.setHeader('x-compute-type', 'cpu');
  for (const [name, value] of Object.entries(figures)) response.setHeader(name, String(Math.round(value)));
}
