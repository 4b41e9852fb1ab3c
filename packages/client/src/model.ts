import { SpaceMismatchError } from '@kimera/core';
import { embeddingsAnswer, encodeAnswer, rerankAnswer, similarityAnswer, type EncodedItem } from './answers.js';
import { chunksOf, mapBounded, type ChunkOptions } from './chunks.js';
import type { EncodedText, Embedding, Fingerprint, RefusedText, VectorType, VectorTypes } from './embedding.js';
import { UnexpectedAnswerError } from './errors.js';
import type { Transport } from './transport.js';
import { truncatedIn } from './truncated.js';
import { vectorOf } from './vector-bytes.js';

/** What makes another space of a model's. */
export interface SpaceOptions {
  /** The first so many numbers, normalised again. */
  readonly dimensions?: number;
  /** How a number is written. Default float: 32 bits. */
  readonly type?: VectorType;
  /** A fingerprint: the server refuses where the model's space is another, after a cutover for example. */
  readonly space?: string;
}

export interface EmbedOptions {
  /** `query`, `document`, or the name of another prompt of the model. */
  readonly role?: string;
  /** Cuts texts beyond the model's limit, and says so. Default: as the server is set, which is to refuse them. */
  readonly truncate?: boolean;
  /** Cancels: what is under way is aborted, and its reason is thrown. */
  readonly signal?: AbortSignal;
}

export type Head = 'dense' | 'sparse' | 'colbert';

export interface ScoreOptions extends EmbedOptions {
  /** Default dense. */
  readonly score?: 'dense' | 'lexical' | 'colbert' | 'hybrid';
  /** Of a hybrid score. */
  readonly weights?: { readonly dense?: number; readonly lexical?: number; readonly colbert?: number };
}

export interface Score {
  /** Of the text among those that were given. */
  readonly index: number;
  readonly score: number;
  readonly scores: { readonly dense?: number; readonly lexical?: number; readonly colbert?: number };
}

interface ModelParts {
  readonly transport: Transport;
  readonly chunks: Required<ChunkOptions>;
  readonly name: string;
  readonly options: SpaceOptions;
}

/** Texts whose vectors are of one space, as one request gave them. */
interface Chunk<Item> {
  readonly space: string;
  readonly items: readonly Item[];
}

/** A model of a server, in one of its spaces. */
export class Model<Name extends string = string, Type extends VectorType = 'float'> {
  readonly #parts: ModelParts;

  constructor(parts: ModelParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  /** @throws as `embedAll`. */
  async embed(text: string, options: EmbedOptions = {}): Promise<Embedding<Name, Type>> {
    const [embedding] = await this.embedAll([text], options);
    if (embedding === undefined) throw new Error('no embedding for one text');
    return embedding;
  }

  /**
   * In the order of the texts, however many: they are sent in chunks, and all vectors are of one space.
   * @throws the errors of errors.ts; SpaceMismatchError where the space changes again and again between chunks.
   */
  async embedAll(texts: readonly string[], options: EmbedOptions = {}): Promise<readonly Embedding<Name, Type>[]> {
    return this.#inChunks(texts, options.signal, (chunk, signal) => this.#embedChunk(chunk, options, signal));
  }

  /** All heads that are asked for, from one pass. A text that is refused fails alone. @throws as `embedAll`. */
  async encodeAll(
    texts: readonly string[],
    { heads, ...options }: EmbedOptions & { readonly heads: readonly Head[] },
  ): Promise<readonly (EncodedText<Name, Type> | RefusedText)[]> {
    return this.#inChunks(texts, options.signal, (chunk, signal) => this.#encodeChunk(chunk, heads, options, signal));
  }

  /** Scores of a text against others, in their order. @throws the errors of errors.ts. */
  async similarity(
    source: string,
    targets: readonly string[],
    { role, score, weights, truncate, signal }: ScoreOptions = {},
  ): Promise<readonly Score[]> {
    const { body } = await this.#parts.transport.send({
      path: '/v1/similarity',
      body: { model: this.name, source, targets, role, score, weights, truncate, ...this.#vectorFields() },
      headers: this.#pinned(),
      answer: similarityAnswer,
      signal,
    });
    return body.data.map(scored);
  }

  /** Documents by their score against a query, the best first. @throws the errors of errors.ts. */
  async rerank(
    query: string,
    documents: readonly string[],
    { top, score, weights, truncate, signal }: Omit<ScoreOptions, 'role'> & { readonly top?: number } = {},
  ): Promise<readonly Score[]> {
    const { body } = await this.#parts.transport.send({
      path: '/v1/rerank',
      body: { model: this.name, query, documents, score, weights, truncate, top_n: top, ...this.#vectorFields() },
      headers: this.#pinned(),
      answer: rerankAnswer,
      signal,
    });
    return body.results.map(({ index, relevance_score: best, scores }) => scored({ index, score: best, scores }));
  }

  async #inChunks<Item>(
    texts: readonly string[],
    signal: AbortSignal | undefined,
    send: (chunk: readonly string[], signal: AbortSignal) => Promise<Chunk<Item>>,
  ): Promise<readonly Item[]> {
    const chunks = chunksOf(texts, this.#parts.chunks);
    const { concurrency } = this.#parts.chunks;
    const answered = [...(await mapBounded(chunks, concurrency, signal, send))];
    // A collection's space changes at a cutover: what was answered before it is asked again, once.
    const space = answered.at(-1)?.space;
    const earlier = [...answered.keys()].filter((index) => answered[index]?.space !== space);
    const again = await mapBounded(earlier, concurrency, signal, (index, both) => send(chunks[index] ?? [], both));
    earlier.forEach((index, i) => {
      const chunk = again[i];
      if (chunk === undefined) return;
      if (chunk.space !== space) throw new SpaceMismatchError(space ?? '', chunk.space, `embedding by ${this.name}`);
      answered[index] = chunk;
    });
    return answered.flatMap(({ items }) => items);
  }

  async #embedChunk(
    texts: readonly string[],
    { role, truncate }: EmbedOptions,
    signal: AbortSignal,
  ): Promise<Chunk<Embedding<Name, Type>>> {
    const path = '/v1/embeddings';
    const { body, headers } = await this.#parts.transport.send({
      path,
      body: {
        model: this.name,
        input: texts,
        encoding_format: 'base64',
        ...this.#vectorFields(),
        input_type: role,
        truncate,
      },
      headers: this.#pinned(),
      answer: embeddingsAnswer,
      signal,
    });
    const space = this.#checkedSpace(headers.get('x-embedding-space'), path);
    const isCut = truncatedIn(headers.get('x-truncated-inputs'));
    const rows = [...body.data].sort((a, b) => a.index - b.index);
    this.#checkCount(rows.length, texts.length, path);
    const items = rows.map(({ embedding }, index) => {
      const dense = this.#vector(embedding, path);
      return { dense, ...this.#form(dense), space, model: body.model, truncated: isCut(index) };
    });
    return { space, items };
  }

  async #encodeChunk(
    texts: readonly string[],
    heads: readonly Head[],
    { role, truncate }: EmbedOptions,
    signal: AbortSignal,
  ): Promise<Chunk<EncodedText<Name, Type> | RefusedText>> {
    const path = '/v1/encode';
    const { body } = await this.#parts.transport.send({
      path,
      body: {
        model: this.name,
        inputs: texts,
        heads,
        encoding_format: 'base64',
        ...this.#vectorFields(),
        role,
        truncate,
      },
      headers: this.#pinned(),
      answer: encodeAnswer,
      signal,
    });
    const space = this.#checkedSpace(body.embedding_space, path);
    const rows = [...body.data].sort((a, b) => a.index - b.index);
    this.#checkCount(rows.length, texts.length, path);
    return { space, items: rows.map((row) => this.#encoded(row, space, body.model, path)) };
  }

  #encoded(
    { error, dense, sparse, colbert, tokens = 0, total_tokens: totalTokens = tokens, truncated = false }: EncodedItem,
    space: Fingerprint<Name>,
    model: string,
    path: string,
  ): EncodedText<Name, Type> | RefusedText {
    if (error !== undefined) return { error };
    const vector = dense === undefined ? undefined : this.#vector(dense, path);
    return {
      ...(vector === undefined ? {} : { dense: vector, ...this.#form(vector) }),
      ...(sparse === undefined
        ? {}
        : { sparse: new Map(Object.entries(sparse).map(([id, weight]) => [Number(id), weight])) }),
      ...(colbert === undefined ? {} : { colbert: colbert.map((each) => decodedAs(each, 'float', path)) }),
      space,
      model,
      tokens,
      totalTokens,
      truncated,
    };
  }

  #vectorFields(): object {
    const { dimensions, type } = this.#parts.options;
    return { dimensions, output_dtype: type === 'float' ? undefined : type };
  }

  #form({ length }: VectorTypes[Type]): Pick<Embedding<Name, Type>, 'type' | 'dimension'> {
    const { dimensions, type = 'float' } = this.#parts.options;
    const isPacked = type === 'binary' || type === 'ubinary';
    return { type: type as Type, dimension: isPacked ? (dimensions ?? length * 8) : length };
  }

  #pinned(): Readonly<Record<string, string>> {
    const { space } = this.#parts.options;
    return space === undefined ? {} : { 'x-embedding-space': space };
  }

  /** Invariant: every vector carries its space. An answer that names none is of another server. */
  #checkedSpace(space: string | null, path: string): Fingerprint<Name> {
    if (space === null) throw new UnexpectedAnswerError(path, 'it names no space (x-embedding-space)');
    const asked = this.#parts.options.space;
    if (asked !== undefined && asked !== space) throw new SpaceMismatchError(asked, space, `embedding by ${this.name}`);
    return space as Fingerprint<Name>;
  }

  #checkCount(actual: number, expected: number, path: string): void {
    if (actual !== expected) throw new UnexpectedAnswerError(path, `${actual} vectors for ${expected} texts`);
  }

  #vector(base64: string, path: string): VectorTypes[Type] {
    return decodedAs(base64, (this.#parts.options.type ?? 'float') as Type, path);
  }
}

function decodedAs<Type extends VectorType>(base64: string, type: Type, path: string): VectorTypes[Type] {
  const vector = vectorOf(base64, type);
  if (vector === undefined) throw new UnexpectedAnswerError(path, `a vector that is not ${type} in base64`);
  return vector;
}

/** Without the scores of heads that were not asked for. */
function scored({ index, score, scores }: { index: number; score: number; scores: object }): Score {
  const there = Object.fromEntries(Object.entries(scores).filter(([, value]) => value !== undefined));
  return { index, score, scores: there };
}
