import { setTimeout as delay } from 'node:timers/promises';
import { SpaceMismatchError, type Embedding, type Role, type TextEmbedder } from '@kimera/core';
import type { PostgresStore } from '@kimera/store-postgres';
import type { Question } from './corpus.js';
import { noteText } from './notes.js';

const EDIT_EVERY_MILLISECONDS = 300;
const SEARCH_EVERY_MILLISECONDS = 150;
const PATIENCE_MILLISECONDS = 60_000;

export interface TrafficReport {
  readonly inserts: number;
  readonly edits: number;
  readonly deletes: number;
  readonly searches: number;
  /** Searches and writes whose space was no longer the active one when they arrived, embedded again and then done. */
  readonly embeddedAgain: number;
  readonly errors: readonly string[];
  /** Of a search, with its embedding. */
  readonly p50Milliseconds: number;
  readonly p95Milliseconds: number;
  readonly slowestMilliseconds: number;
}

/**
 * An application at work: a writer that edits, inserts and deletes notes, and a reader that searches; both always in
 * the active space.
 */
export class Traffic {
  /** What the notes must be in the end; undefined for deleted ones. */
  readonly notes = new Map<string, string | undefined>();
  readonly #controller = new AbortController();
  readonly #latencies: number[] = [];
  readonly #errors: string[] = [];
  #inserts = 0;
  #edits = 0;
  #deletes = 0;
  #embeddedAgain = 0;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: PostgresStore,
    private readonly collection: string,
    private readonly embedders: readonly TextEmbedder[],
    private readonly questions: readonly Question[],
  ) {}

  start(notes: ReadonlyMap<string, string>): void {
    for (const [id, text] of notes) this.notes.set(id, text);
    this.#loops = Promise.all([
      this.#every(EDIT_EVERY_MILLISECONDS, (turn) => this.#write(turn)),
      this.#every(SEARCH_EVERY_MILLISECONDS, (turn) => this.#search(turn)),
    ]);
  }

  /**
   * Until the writer and the reader have each done so much more, or one of them met an error. @throws Error where that
   * takes longer than {@link PATIENCE_MILLISECONDS}.
   */
  async goesOn({ writes, searches }: { readonly writes: number; readonly searches: number }): Promise<void> {
    const wanted = { writes: this.#writes + writes, searches: this.#latencies.length + searches };
    const until = performance.now() + PATIENCE_MILLISECONDS;
    while (this.#errors.length === 0 && (this.#writes < wanted.writes || this.#latencies.length < wanted.searches)) {
      if (performance.now() > until)
        throw new Error(
          `reader and writer stand still at ${this.#latencies.length} searches and ${this.#writes} writes`,
        );
      await delay(SEARCH_EVERY_MILLISECONDS);
    }
  }

  get #writes(): number {
    return this.#inserts + this.#edits + this.#deletes;
  }

  async stop(): Promise<TrafficReport> {
    this.#controller.abort();
    await this.#loops;
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return {
      inserts: this.#inserts,
      edits: this.#edits,
      deletes: this.#deletes,
      searches: sorted.length,
      embeddedAgain: this.#embeddedAgain,
      errors: this.#errors,
      p50Milliseconds: at(0.5),
      p95Milliseconds: at(0.95),
      slowestMilliseconds: at(1),
    };
  }

  async #every(milliseconds: number, action: (turn: number) => Promise<void>): Promise<void> {
    const { signal } = this.#controller;
    for (let turn = 0; !signal.aborted; turn++) {
      try {
        await action(turn);
      } catch (error) {
        this.#errors.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
      }
      await delay(milliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  async #write(turn: number): Promise<void> {
    const live = [...this.notes].filter(([, text]) => text !== undefined);
    const [id = '', text = ''] = live[(turn * 7) % live.length] ?? [];
    if (turn % 3 === 0) {
      const edited = `${text.replace(/ \(edited \d+\)$/, '')} (edited ${turn})`;
      await this.#upsert(id, edited);
      this.#edits += 1;
    } else if (turn % 3 === 1) {
      await this.#upsert(`note-new-${turn}`, noteText(1_000 + turn));
      this.#inserts += 1;
    } else {
      await this.store.collections.deleteRows(this.collection, [id]);
      this.notes.set(id, undefined);
      this.#deletes += 1;
    }
  }

  async #upsert(id: string, text: string): Promise<void> {
    await this.#inActiveSpace(text, 'document', (embedding) =>
      this.store.collections.upsertRows(this.collection, [{ id, text, embedding }]),
    );
    this.notes.set(id, text);
  }

  async #search(turn: number): Promise<void> {
    const started = performance.now();
    const text = this.questions[(turn * 13) % this.questions.length]?.text ?? '';
    const { hits } = await this.#inActiveSpace(text, 'query', ({ space, dense = new Float32Array() }) =>
      this.store.search.search(this.collection, { space, dense }, { limit: 10 }),
    );
    if (hits.length !== 10) throw new Error(`${hits.length} hits`);
    this.#latencies.push(performance.now() - started);
  }

  /** A cutover may come between the embedding and its use: then once more. */
  async #inActiveSpace<T>(text: string, role: Role, action: (embedding: Embedding) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const { activeSpace } = await this.store.collections.collection(this.collection);
      const embedder = this.embedders.find(({ space }) => space.fingerprint === activeSpace);
      if (embedder === undefined) throw new Error(`no model for space ${activeSpace}`);
      try {
        return await action(await embedder.encodeText(text, { role }));
      } catch (error) {
        if (!(error instanceof SpaceMismatchError) || attempt > 2) throw error;
        this.#embeddedAgain += 1;
      }
    }
  }
}
