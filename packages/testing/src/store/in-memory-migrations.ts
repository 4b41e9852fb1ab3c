import {
  MigrationStateError,
  MigrationUnderWayError,
  NoMigrationError,
  UnknownMigrationError,
  type CountedQuery,
  type EmbeddingSpace,
  type Figures,
  type LookedAtQuery,
  type Migration,
  type MigrationEvent,
  type PoisonRecord,
  type PoisonRow,
  type Transition,
} from '@kimera/core';

interface HeldMigration {
  migration: Migration;
  readonly events: MigrationEvent[];
  /** By space and row id. */
  readonly poison: Map<string, PoisonRecord>;
  /** By the hash of the text, in the order in which they were counted. */
  readonly judged: Map<string, LookedAtQuery>;
}

/** Migrations with their log and their poison rows, the oldest first. */
export class InMemoryMigrations {
  readonly #held = new Map<string, HeldMigration>();

  constructor(private readonly now: () => number) {}

  create(collection: string, source: EmbeddingSpace, target: EmbeddingSpace, by: string, figures: Figures): Migration {
    const last = [...this.#held.values()]
      .filter(({ migration }) => migration.collection === collection)
      .at(-1)?.migration;
    if (last !== undefined && last.state !== 'retired')
      throw new MigrationUnderWayError(collection, last.id, last.state);
    const migration: Migration = {
      id: `migration-${this.#held.size + 1}`,
      collection,
      source,
      target,
      state: 'planned',
      created: this.#at(),
    };
    this.#held.set(migration.id, { migration, events: [], poison: new Map(), judged: new Map() });
    this.note(migration.id, by, 'plan', figures);
    return migration;
  }

  latest(collection: string): Migration {
    const last = [...this.#held.values()].filter(({ migration }) => migration.collection === collection).at(-1);
    if (last === undefined) throw new NoMigrationError(collection);
    return last.migration;
  }

  get(id: string): Migration {
    return this.#of(id).migration;
  }

  /** @throws MigrationStateError. */
  check(id: string, { event, expected }: Transition): void {
    const { state } = this.get(id);
    if (!expected.includes(state)) throw new MigrationStateError(id, event, state, expected);
  }

  transition(id: string, by: string, transition: Transition): Migration {
    this.check(id, transition);
    const held = this.#of(id);
    held.migration = { ...held.migration, state: transition.to };
    this.note(id, by, transition.event, transition.figures);
    return held.migration;
  }

  note(id: string, by: string, event: string, figures: Figures): void {
    const { events, migration } = this.#of(id);
    events.push({ at: this.#at(), by, event, state: migration.state, figures });
  }

  events(id: string): readonly MigrationEvent[] {
    return [...this.#of(id).events];
  }

  judgedQueries(id: string): readonly LookedAtQuery[] {
    return [...this.#of(id).judged.values()];
  }

  countQueries(id: string, queries: readonly CountedQuery[]): number {
    const { judged } = this.#of(id);
    const last = Math.max(0, ...[...judged.values()].map(({ look }) => look));
    const added = queries.filter(({ hash }) => !judged.has(hash));
    for (const query of added) judged.set(query.hash, { ...query, look: last + 1 });
    return added.length === 0 ? last : last + 1;
  }

  /** A row that is excused stays so while its text is the same. */
  recordPoison(id: string, space: string, { id: row, contentHash, reason }: PoisonRow): void {
    const { poison } = this.#of(id);
    const key = `${space} ${row}`;
    const known = poison.get(key);
    poison.set(key, {
      id: row,
      contentHash,
      reason,
      space,
      excused: known?.contentHash === contentHash ? known.excused : 'no',
    });
  }

  poison(id: string): readonly PoisonRecord[] {
    return [...this.#of(id).poison.values()];
  }

  excuse(id: string, records: readonly PoisonRecord[]): void {
    const { poison } = this.#of(id);
    for (const record of records) poison.set(`${record.space} ${record.id}`, { ...record, excused: 'yes' });
  }

  #of(id: string): HeldMigration {
    const held = this.#held.get(id);
    if (held === undefined) throw new UnknownMigrationError(id);
    return held;
  }

  #at(): string {
    return new Date(this.now()).toISOString();
  }
}
