/** Texts of one call are sorted by length within a window of this many: whatever fits into a few batches. */
const WINDOW = 1_024;
/**
 * Only calls of at least so many tokens are kept in the list that `large` looks through: no machine is so slow that it
 * asks for smaller ones.
 */
const LARGE_TOKENS = 512;

export interface QueuedCall {
  readonly texts: readonly Int32Array[];
  /** Whose share of the lane it takes. */
  readonly client: string;
  /** When it is to be done, on any clock: of one client's calls the earliest goes first. */
  readonly due: number;
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
  /** Tokens when it came. */
  readonly whole: number;
  /** Positions of the texts, in the order in which they are taken; sorted as far as the window that `#next` is in. */
  readonly #order: number[];
  #next = 0;

  constructor(readonly call: Call) {
    this.tokens = this.whole = tokensOf(call);
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

/** The calls of one client, in the order in which they are due. */
class Client<Call extends QueuedCall> {
  tokens = 0;
  readonly #places: Place<Call>[] = [];

  /** @param served tokens by which it is compared with the other clients. */
  constructor(public served: number) {}

  get first(): Place<Call> | undefined {
    return this.#places[0];
  }

  add(place: Place<Call>): void {
    this.#places.splice(this.#behind(place.call.due), 0, place);
    this.tokens += place.tokens;
  }

  remove(place: Place<Call>): void {
    const at = this.#places.indexOf(place);
    if (at < 0) return;
    this.#places.splice(at, 1);
    this.tokens -= place.tokens;
  }

  /** Tokens of its calls that come before one that is due then. */
  before(due: number): number {
    return this.#places.slice(this.#behind(due)).reduce((tokens, place) => tokens - place.tokens, this.tokens);
  }

  /** How many come before a call that is due then. Nearly always all of them do: those that come later are due later. */
  #behind(due: number): number {
    let at = this.#places.length;
    while (at > 0 && (this.#places[at - 1]?.call.due ?? 0) > due) at--;
    return at;
  }
}

/**
 * Calls that wait in one lane. Clients take turns by the tokens that they were given: nobody waits until another's large
 * call is through. Of one client the call that is due first goes first. Texts of a call are taken by rising length, so
 * that the backend finds texts of like length together.
 */
export class LaneQueue<Call extends QueuedCall> {
  readonly #clients = new Map<string, Client<Call>>();
  readonly #places = new Map<Call, Place<Call>>();
  readonly #large = new Set<Place<Call>>();
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
    this.#places.set(call, place);
    if (place.whole >= LARGE_TOKENS) this.#large.add(place);
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
      if (client.first !== undefined) break;
    }
    return batch;
  }

  /** What is left of a call that was given up does not wait any more. */
  forget(call: Call): void {
    const client = this.#clients.get(call.client);
    const place = this.#places.get(call);
    if (client !== undefined && place !== undefined) this.#remove(client, place);
  }

  /**
   * Tokens of other calls that are computed before a call of so many tokens is done. @param name of its client,
   * undefined for one that has nothing here. @param due when it is to be done. @param turn tokens of a batch.
   */
  ahead(
    name: string | undefined,
    { tokens, due }: { readonly tokens: number; readonly due: number },
    turn: number,
  ): number {
    const own = name === undefined ? undefined : this.#clients.get(name);
    const before = own?.before(due) ?? 0;
    let ahead = before;
    for (const client of this.#clients.values())
      if (client !== own) ahead += Math.min(client.tokens, before + Math.max(tokens, turn));
    return ahead;
  }

  /** Calls that had at least so many tokens when they came, with those that wait. */
  large(tokens: number): readonly { readonly call: Call; readonly tokens: number }[] {
    return [...this.#large].filter(({ whole }) => whole >= tokens);
  }

  /** All calls that wait; the queue is empty then. */
  drain(): readonly Call[] {
    const calls = [...this.#places.keys()];
    this.#clients.clear();
    this.#places.clear();
    this.#large.clear();
    this.#tokens = 0;
    return calls;
  }

  /** @returns tokens that were added to the batch. */
  #takeFrom(client: Client<Call>, budget: number, batch: QueuedText<Call>[]): number {
    let used = 0;
    for (let place = client.first; place !== undefined; place = client.first) {
      for (let text = place.peek(); text !== undefined; text = place.peek()) {
        if (batch.length > 0 && used + text.ids.length > budget) return used;
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
    this.#places.delete(place.call);
    this.#large.delete(place);
    if (client.first === undefined) this.#clients.delete(place.call.client);
  }
}

export function tokensOf({ texts }: Pick<QueuedCall, 'texts'>): number {
  return texts.reduce((sum, { length }) => sum + length, 0);
}
