import { createHash } from 'node:crypto';
import {
  ActiveSpaceError,
  checkDistinctIds,
  checkVector,
  cosine,
  norm,
  NoTenantsError,
  SpaceMismatchError,
  toWellFormed,
  RowColumnError,
  UnknownSpaceError,
  type Backlog,
  type ChangeClaim,
  type CollectionFault,
  type Coverage,
  type EmbeddingSpace,
  type FoundRow,
  type Hit,
  type KeyRange,
  type NewVector,
  type PoisonRow,
  type SearchOptions,
  type Reconciliation,
  type SourceRow,
  type StoredVector,
  type Vector,
  type WriteResult,
} from '@kimera/core';

const NEW_YEAR = '2026-01-01T00:00:00.000Z';

/** What a collection has of one space. */
interface HeldSpace {
  readonly space: EmbeddingSpace;
  /** By row id. */
  readonly vectors: Map<string, StoredVector>;
  /** Ids of changed rows, the oldest first, with the time since which they wait. */
  readonly pending: Map<string, number>;
  /** Ids of changed rows that a worker has taken, with the time at which its lease ends. */
  readonly claims: Map<string, number>;
  /** Rows that cannot be embedded as they are, by id. */
  readonly aside: Map<string, PoisonRow>;
}

/**
 * The rows of one collection with their vectors in every space. Calls are synchronous: each is a transaction of its
 * own.
 */
export class InMemoryCollection {
  readonly #texts = new Map<string, string>();
  readonly #held = new Map<string, HeldSpace>();
  readonly #faults: CollectionFault[] = [];
  /** Active spaces by tenant; '' is of all others. */
  readonly #pointers: Map<string, string>;

  constructor(
    readonly name: string,
    activeSpace: string,
    /** Milliseconds. */
    private readonly now: () => number,
    private readonly tenantOf?: (id: string) => string,
  ) {
    this.#pointers = new Map([['', activeSpace]]);
  }

  get activeSpace(): string {
    return this.activeSpaceOf(undefined);
  }

  /** @throws NoTenantsError. */
  activeSpaceOf(tenant: string | undefined): string {
    if (tenant !== undefined && this.tenantOf === undefined) throw new NoTenantsError(this.name);
    return this.#pointers.get(tenant ?? '') ?? this.#pointers.get('') ?? '';
  }

  /** @throws NoTenantsError, SpaceMismatchError. */
  checkPointers(from: string, tenants: readonly string[] | undefined): void {
    const spaces = tenants?.map((tenant) => this.activeSpaceOf(tenant)) ?? [...this.#pointers.values()];
    const fits = tenants === undefined ? spaces.includes(from) : spaces.every((space) => space === from);
    if (!fits)
      throw new SpaceMismatchError(from, spaces.find((space) => space !== from) ?? '', `active space of ${this.name}`);
  }

  /** By the searches of anybody. */
  isUsed(space: string): boolean {
    return [...this.#pointers.values()].includes(space);
  }

  movePointers(from: string, toSpace: string, tenants: readonly string[] | undefined): void {
    const moved = tenants ?? [...this.#pointers].filter(([, space]) => space === from).map(([tenant]) => tenant);
    for (const tenant of moved) this.#pointers.set(tenant, toSpace);
  }

  get size(): number {
    return this.#texts.size;
  }
  get spaces(): readonly EmbeddingSpace[] {
    return [...this.#held.values()].map(({ space }) => space);
  }

  /** @throws UnknownSpaceError. */
  space(fingerprint: string): EmbeddingSpace {
    return this.#of(fingerprint).space;
  }

  openSpace(space: EmbeddingSpace): void {
    if (!this.#held.has(space.fingerprint))
      this.#held.set(space.fingerprint, {
        space,
        vectors: new Map(),
        pending: new Map(),
        claims: new Map(),
        aside: new Map(),
      });
  }

  closeSpace(fingerprint: string): void {
    if (this.isUsed(fingerprint)) throw new ActiveSpaceError(this.name, fingerprint);
    this.#held.delete(fingerprint);
  }

  /** Unchanged text changes nothing; any other is queued in every space, where its vector is stale from now on. */
  writeRow(id: string, text: string): void {
    const stored = toWellFormed(text);
    if (this.#texts.get(id) === stored) return;
    this.#texts.set(id, stored);
    for (const { pending } of this.#held.values()) if (!pending.has(id)) pending.set(id, this.now());
  }

  deleteRow(id: string): boolean {
    for (const { vectors, pending } of this.#held.values()) {
      vectors.delete(id);
      pending.delete(id);
    }
    return this.#texts.delete(id);
  }

  /** As TRUNCATE: the rows go, and what belongs to them stays until {@link reconcile}. */
  empty(): void {
    this.#texts.clear();
    this.#faults.push({ kind: 'truncated', at: NEW_YEAR, detail: `public.${this.name}` });
  }

  get faults(): readonly CollectionFault[] {
    return [...this.#faults];
  }

  reconcile(): Reconciliation {
    this.#faults.length = 0;
    let [queued, removed] = [0, 0];
    for (const { vectors, pending } of this.#held.values()) {
      for (const id of [...vectors.keys(), ...pending.keys()]) {
        if (this.#texts.has(id)) continue;
        pending.delete(id);
        if (vectors.delete(id)) removed += 1;
      }
      for (const id of this.#texts.keys()) {
        if (pending.has(id) || vectors.get(id)?.contentHash === this.hash(id)) continue;
        pending.set(id, this.now());
        queued += 1;
      }
    }
    return { queued, removed };
  }

  /** Undefined where there is no such row. */
  hash(id: string): string | undefined {
    const text = this.#texts.get(id);
    return text === undefined ? undefined : sha256(text);
  }

  rows(ids: Iterable<string>): readonly SourceRow[] {
    return [...ids].flatMap((id) => {
      const text = this.#texts.get(id);
      return text === undefined ? [] : [{ id, text, contentHash: sha256(text) }];
    });
  }

  rowsIn({ after, upTo }: KeyRange): readonly SourceRow[] {
    return this.rows(
      this.#sortedIds().filter(
        (id) => (after === null || inByteOrder(id, after) > 0) && (upTo === null || inByteOrder(id, upTo) <= 0),
      ),
    );
  }

  keyRanges(rows: number): readonly KeyRange[] {
    const ids = this.#sortedIds();
    const cuts = ids.filter((_, i) => (i + 1) % rows === 0 && i + 1 < ids.length);
    return [...cuts, null].map((upTo, i) => ({ after: cuts[i - 1] ?? null, upTo }));
  }

  sample(count: number, seed: number): readonly SourceRow[] {
    const key = (id: string): string => sha256(`${seed}:${id}`);
    return this.rows([...this.#texts.keys()].sort((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, count));
  }

  /** Of these tenants; absent: of all. */
  pending(fingerprint: string, tenants?: readonly string[]): readonly SourceRow[] {
    const rows = this.rows(this.#of(fingerprint).pending.keys());
    return tenants === undefined ? rows : rows.filter(({ id }) => tenants.includes(this.tenantOf?.(id) ?? ''));
  }

  backlog(fingerprint: string): Backlog {
    const times = [...this.#of(fingerprint).pending.values()];
    return {
      pending: times.length,
      oldestSeconds: times.length === 0 ? 0 : (this.now() - Math.min(...times)) / 1000,
    };
  }

  claim(fingerprint: string, { limit, leaseSeconds, of }: ChangeClaim): readonly SourceRow[] {
    const { claims } = this.#of(fingerprint);
    const isActive = (id: string): boolean => this.activeSpaceOf(this.tenantOf?.(id)) === fingerprint;
    const free = this.pending(fingerprint).filter(
      ({ id }) => (claims.get(id) ?? 0) <= this.now() && (of === 'all rows' || isActive(id)),
    );
    const rows = free.slice(0, limit);
    for (const { id } of rows) claims.set(id, this.now() + leaseSeconds * 1000);
    return rows;
  }

  release(fingerprint: string, ids: readonly string[]): void {
    for (const id of ids) this.#of(fingerprint).claims.delete(id);
  }

  setAside(fingerprint: string, rows: readonly PoisonRow[]): void {
    for (const row of rows.filter(({ id, contentHash }) => this.hash(id) === contentHash)) {
      this.#of(fingerprint).aside.set(row.id, row);
      this.settle(fingerprint, row.id);
    }
  }

  rowsSetAside(fingerprint: string): readonly PoisonRow[] {
    return [...this.#of(fingerprint).aside.values()]
      .filter(({ id, contentHash }) => this.hash(id) === contentHash)
      .sort((a, b) => inByteOrder(a.id, b.id));
  }

  /** The row waits no longer: it has its vector, or cannot get one. */
  settle(fingerprint: string, id: string): void {
    this.#of(fingerprint).pending.delete(id);
  }

  write(fingerprint: string, vectors: readonly NewVector[]): WriteResult {
    const held = this.#of(fingerprint);
    checkDistinctIds(vectors);
    for (const { id, dense } of vectors) checkVector(dense, held.space.dimension, `vector of row ${id}`);
    const fresh = vectors.filter(({ id, contentHash }) => this.hash(id) === contentHash);
    for (const { id, contentHash, dense, variant, tokenizerRevision, truncated } of fresh) {
      held.vectors.set(id, {
        id,
        contentHash,
        dense: dense.slice(),
        variant,
        tokenizerRevision,
        truncated,
        space: fingerprint,
      });
      held.pending.delete(id);
    }
    return { written: fresh.length, outdated: vectors.length - fresh.length };
  }

  /** Puts a vector in place, unchecked: what damage looks like. */
  replace(fingerprint: string, vector: StoredVector): void {
    this.#of(fingerprint).vectors.set(vector.id, vector);
  }

  vectors(fingerprint: string, ids?: readonly string[]): readonly StoredVector[] {
    const { vectors } = this.#of(fingerprint);
    const asked = ids === undefined ? [...vectors.keys()] : [...new Set(ids)];
    return asked.sort(inByteOrder).flatMap((id) => {
      const vector = vectors.get(id);
      return vector === undefined || !this.#texts.has(id) ? [] : [{ ...vector, dense: vector.dense.slice() }];
    });
  }

  search(fingerprint: string, query: Vector, limit: number): readonly Hit[] {
    const { vectors, space } = this.#of(fingerprint);
    checkVector(query, space.dimension, 'query');
    return [...vectors.values()]
      .filter(({ id, dense }) => this.#texts.has(id) && norm(dense) > 0)
      .map(({ id, dense, contentHash }) => ({ id, score: cosine(query, dense), contentHash }))
      .sort((a, b) => b.score - a.score || inByteOrder(a.id, b.id))
      .slice(0, limit)
      .map(({ id, score, contentHash }) => ({ id, score, stale: contentHash !== this.hash(id) }));
  }

  /** Looks at every vector. @throws RowColumnError. */
  searchRows(
    query: Vector,
    { limit, rows = 'all', text = 'without', columns = [] }: SearchOptions,
  ): readonly FoundRow[] {
    const known = (row: SourceRow): Record<string, string> => ({ id: row.id, text: row.text });
    for (const column of columns) if (column !== 'id' && column !== 'text') throw new RowColumnError(this.name, column);
    const { vectors } = this.#of(this.activeSpace);
    return this.search(this.activeSpace, query, vectors.size)
      .flatMap(({ id, score }) => {
        const [row] = this.rows([id]);
        if (row === undefined) return [];
        return {
          id,
          score,
          stale: vectors.get(id)?.contentHash !== row.contentHash,
          ...(text === 'with' ? { text: row.text } : {}),
          ...(columns.length === 0
            ? {}
            : { columns: Object.fromEntries(columns.map((column) => [column, known(row)[column] ?? null])) }),
        };
      })
      .filter(({ stale }) => rows === 'all' || !stale)
      .slice(0, limit);
  }

  coverage(fingerprint: string): Coverage {
    const { vectors } = this.#of(fingerprint);
    const all = [...vectors.values()];
    const malformed = (vector: StoredVector): boolean =>
      vector.space !== fingerprint || !(norm(vector.dense) > 0) || !vector.dense.every(Number.isFinite);
    const current = all.filter((vector) => !malformed(vector) && this.hash(vector.id) === vector.contentHash);
    return {
      rows: this.size,
      current: current.length,
      missing: [...this.#texts.keys()].filter((id) => !vectors.has(id)).length,
      stale: all.filter(({ id, contentHash }) => this.#texts.has(id) && this.hash(id) !== contentHash).length,
      orphans: all.filter(({ id }) => !this.#texts.has(id)).length,
      malformed: all.filter((vector) => this.#texts.has(vector.id) && malformed(vector)).length,
      truncated: current.filter(({ truncated }) => truncated).length,
      pending: this.pending(fingerprint).length,
    };
  }

  #of(fingerprint: string): HeldSpace {
    const held = this.#held.get(fingerprint);
    if (held === undefined) throw new UnknownSpaceError(this.name, fingerprint);
    return held;
  }

  #sortedIds(): string[] {
    return [...this.#texts.keys()].sort(inByteOrder);
  }
}

/** As PostgreSQL's `COLLATE "C"` orders UTF-8. */
function inByteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
