/** Texts of one call are sorted by length within a window of this many: whatever fits into a few batches. */
const WINDOW = 1_024;
/** Calls of more tokens than this take turns with their client's other calls; smaller ones are done in one turn. */
const SHORT_TOKENS = 256;

export interface QueuedCall {
  readonly texts: readonly Int32Array[];
  /** Whose share of the lane it takes. */
  readonly client: string;
}

export interface QueuedText<Call extends QueuedCall> {
  readonly call: Call;
  /** Position in its call. */
  readonly index: number;
  readonly ids: Int32Array;
}

/** What of a call waits. */
class Place<Call extends QueuedCall> {
  tokens: number;
  /** Positions of the texts, in the order in which they are taken; sorted as far as the window that `#next` is in. */
  readonly #order: number[];
  #next = 0;

  constructor(readonly call: Call) {
    this.tokens = tokensOf(call);
    this.#order = Array.from(call.texts.keys());
  }

  /** The next text, the shortest of its window; undefined where all were taken. */
  peek(): QueuedText<Call> | undefined {
    if (this.#next % WINDOW === 0) this.#sort();
    const index = this.#order[this.#next];
    const ids = index === undefined ? undefined : this.call.texts[index];
    return index === undefined || ids === undefined ? undefined : { call: this.call, index, ids };
  }

  take({ ids }: QueuedText<Call>): void {
    this.tokens -= ids.length;
    this.#next += 1;
  }

  #sort(): void {
    const length = (index: number): number => this.call.texts[index]?.length ?? 0;
    const window = this.#order.slice(this.#next, this.#next + WINDOW).sort((a, b) => length(a) - length(b));
    this.#order.splice(this.#next, window.length, ...window);
  }
}

/** The calls of one client, in the order of their turns. */
class Client<Call extends QueuedCall> {
  tokens = 0;
  readonly places = new Map<Call, Place<Call>>();
  readonly #long = new Set<Place<Call>>();

  /** @param served tokens by which it is compared with the other clients. */
  constructor(public served: number) {}

  add(place: Place<Call>): void {
    this.places.set(place.call, place);
    this.tokens += place.tokens;
    if (place.tokens > SHORT_TOKENS) this.#long.add(place);
  }

  remove(place: Place<Call>): void {
    this.places.delete(place.call);
    this.#long.delete(place);
    this.tokens -= place.tokens;
  }

  /** Its turn is over: it goes behind the client's other calls. */
  rotate({ call }: Place<Call>): void {
    const place = this.places.get(call);
    if (place === undefined) return;
    this.places.delete(call);
    this.places.set(call, place);
  }

  /** Tokens of its calls that are computed before one of so many more is done, where each turn takes `turn` at most. */
  ahead(tokens: number, turn: number): number {
    const share = Math.max(tokens, turn, SHORT_TOKENS);
    let ahead = this.tokens;
    for (const place of this.#long) ahead -= Math.max(0, place.tokens - share);
    return ahead;
  }
}

/**
 * Calls that wait in one lane. Clients take turns by the tokens that they were given, and so do the calls of one client:
 * nobody waits until another's large call is through. Texts of a call are taken by rising length, so that the backend
 * finds texts of like length together.
 */
export class LaneQueue<Call extends QueuedCall> {
  readonly #clients = new Map<string, Client<Call>>();
  #tokens = 0;
  /** Tokens of the client whose turn was last: one that comes anew starts there, without a claim for the time before. */
  #served = 0;

  get isEmpty(): boolean {
    return this.#clients.size === 0;
  }
  /** That wait. */
  get tokens(): number {
    return this.#tokens;
  }

  push(call: Call): void {
    if (call.texts.length === 0) return;
    const place = new Place(call);
    let client = this.#clients.get(call.client);
    if (client === undefined) this.#clients.set(call.client, (client = new Client(this.#served)));
    client.add(place);
    this.#tokens += place.tokens;
  }

  /** Texts of at most `budget` tokens; a longer one alone. */
  take(budget: number): readonly QueuedText<Call>[] {
    const batch: QueuedText<Call>[] = [];
    let left = budget;
    while (left > 0) {
      const client = this.#least();
      if (client === undefined) break;
      this.#served = client.served;
      const used = this.#takeFrom(client, left, batch);
      client.served += used;
      left -= used;
      // A text that does not fit is the first of a later batch, for its client is given nothing until then.
      if (client.places.size > 0) break;
    }
    return batch;
  }

  /** What is left of a call that was given up does not wait any more. */
  forget(call: Call): void {
    const client = this.#clients.get(call.client);
    const place = client?.places.get(call);
    if (client !== undefined && place !== undefined) this.#remove(client, place);
  }

  /**
   * Tokens of other calls that are computed before a call of so many tokens is done. @param name of its client,
   * undefined for one that has nothing here. @param turn tokens of a batch.
   */
  ahead(name: string | undefined, tokens: number, turn: number): number {
    const own = name === undefined ? undefined : this.#clients.get(name);
    const before = own?.ahead(tokens, turn) ?? 0;
    let ahead = before;
    for (const client of this.#clients.values())
      if (client !== own) ahead += Math.min(client.tokens, before + Math.max(tokens, turn));
    return ahead;
  }

  /** All calls that wait; the queue is empty then. */
  drain(): readonly Call[] {
    const calls = [...this.#clients.values()].flatMap(({ places }) => [...places.keys()]);
    this.#clients.clear();
    this.#tokens = 0;
    return calls;
  }

  /** @returns tokens that were added to the batch. */
  #takeFrom(client: Client<Call>, budget: number, batch: QueuedText<Call>[]): number {
    let used = 0;
    for (const place of client.places.values()) {
      const before = used;
      for (let text = place.peek(); text !== undefined; text = place.peek()) {
        if (batch.length > 0 && used + text.ids.length > budget) {
          if (used > before) client.rotate(place);
          return used;
        }
        place.take(text);
        client.tokens -= text.ids.length;
        this.#tokens -= text.ids.length;
        used += text.ids.length;
        batch.push(text);
      }
      this.#remove(client, place);
    }
    return used;
  }

  #least(): Client<Call> | undefined {
    let least: Client<Call> | undefined;
    for (const client of this.#clients.values())
      if (least === undefined || client.served < least.served) least = client;
    return least;
  }

  #remove(client: Client<Call>, place: Place<Call>): void {
    this.#tokens -= place.tokens;
    client.remove(place);
    if (client.places.size === 0) this.#clients.delete(place.call.client);
  }
}

export function tokensOf({ texts }: Pick<QueuedCall, 'texts'>): number {
  return texts.reduce((sum, { length }) => sum + length, 0);
}
