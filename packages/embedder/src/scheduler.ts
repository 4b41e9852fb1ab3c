import {
  type BackendOutput,
  ClosedError,
  type Head,
  headsOfText,
  type InferenceBackend,
  type Lane,
  type RunOrder,
  tokenBatch,
} from '@kimera/core';
import { outputsName, type TextOutput } from './embedding-cache.js';
import { QueueFullError } from './errors.js';
import { LaneQueue, type QueuedText, tokensOf } from './lane-queue.js';
import { Speed } from './speed.js';
import type { BatchTiming } from './statistics.js';

export interface SchedulerCall {
  readonly texts: readonly Int32Array[];
  readonly heads: readonly Head[];
  /** `false`: the dense vectors before their normalisation. */
  readonly normalize?: false | undefined;
  /** Tokens at the head of each text that are the prompt's. */
  readonly promptTokens: number;
  readonly lane: Lane;
  /** Whose share of the lane it takes; calls without one share one. */
  readonly client?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told once, when all its texts are computed. */
  readonly onTimes?: ((times: CallTimes) => void) | undefined;
}

/** Of a call, in milliseconds. */
export interface CallTimes {
  /** Until the first of its texts was in a batch. */
  readonly queue: number;
  /** From then until all were computed. */
  readonly inference: number;
}

export interface ExpectedCall extends Pick<SchedulerCall, 'lane' | 'client'> {
  /** Of all its texts, at least. */
  readonly tokens: number;
}

/** One call: all its texts go in one lane and come back in order. */
interface Job {
  readonly texts: readonly Int32Array[];
  readonly client: string;
  /** By when it was promised to be done. */
  readonly due: number;
  readonly outputs: TextOutput[];
  readonly heads: readonly Head[];
  readonly normalize: false | undefined;
  readonly promptTokens: number;
  readonly lane: Lane;
  /** Texts without an output. */
  left: number;
  done: boolean;
  readonly queued: number;
  begun: number | undefined;
  readonly onTimes: SchedulerCall['onTimes'];
  readonly signal: AbortSignal | undefined;
  readonly aborted: () => void;
  readonly resolve: (outputs: readonly TextOutput[]) => void;
  readonly reject: (error: unknown) => void;
}
type Item = QueuedText<Job>;

/** That a call may wait for its turn. */
export type QueueSeconds = Readonly<Record<Lane, number>>;

export interface SchedulerOptions {
  readonly backend: InferenceBackend;
  /** Tokens of one batch at most; a longer text goes alone. Most are shorter: {@link BATCH_SECONDS}. */
  readonly batchTokens: number;
  /** A call that would wait longer is refused, and one that would make another wait longer than it was promised. */
  readonly maxQueueSeconds: QueueSeconds;
  /** Batches of a lane under way at once. */
  readonly concurrency: number;
  readonly onBatch: (batch: BatchTiming) => void;
  /** Milliseconds of a clock that only goes forward; default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Work of one batch: what a text may wait for that cannot be stopped. Longer batches are no faster, but for very short
 * ones ({@link SHORTEST_BATCH_TOKENS}).
 */
const BATCH_SECONDS = 0.1;
/** Of a bulk batch while interactive texts come, and for so long after the last one. */
const SHORT_BATCH_SECONDS = 0.05;
const SHORT_BATCHES_FOR_MILLISECONDS = 5_000;
const SHORTEST_BATCH_TOKENS = 256;
/**
 * Tokens that must wait before a batch is made while another is under way, or half a batch where that is less. Fewer may
 * yet be joined by others: texts that come while a batch is computed go together in the next one.
 */
const TOKENS_AHEAD = 256;
/** Taken as the speed until a batch was measured: that of a large model on two cores. */
const USUAL_TOKENS_PER_SECOND = 1_000;
/** Bulk work gets one token for each so many interactive ones, where both wait: a fifth of the time. */
const INTERACTIVE_TOKENS_A_BULK_TOKEN = 4;
/**
 * The speed that is promised, of the one that was measured last: a flood of calls takes a share of the processors to
 * refuse them, and is seen in the measured speed only seconds later.
 */
const PROMISED_SPEED = 0.8;
/**
 * A call with at least so many seconds of work is large. It is refused where it would make another large call late.
 * Smaller calls go before it: they take little time.
 */
const LARGE_SECONDS = 1;
const LANES = ['interactive', 'bulk'] as const;

/**
 * Cuts calls into batches by a token budget. Texts of concurrent calls share batches; interactive texts go before bulk
 * ones, which are never starved, and pass those that a backend has not begun. Within a lane clients take turns ({@link
 * LaneQueue}). A call that is accepted is done within `maxQueueSeconds` and its own work, unless the machine becomes
 * slower, or small calls of other clients and lanes take their share of it.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #now: () => number;
  readonly #lanes: Readonly<Record<Lane, LaneQueue<Job>>> = { interactive: new LaneQueue(), bulk: new LaneQueue() };
  readonly #running: Record<Lane, number> = { interactive: 0, bulk: 0 };
  /** Work that each lane was given, interactive tokens and bulk ones at their weight: the lane that has less is next. */
  readonly #served: Record<Lane, number> = { interactive: 0, bulk: 0 };
  /** What the lane of the last batch had before it: where a lane starts that had nothing to do. */
  #servedBefore = 0;
  readonly #speed = new Speed(USUAL_TOKENS_PER_SECOND, SHORTEST_BATCH_TOKENS);
  #lastInteractive = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Tokens waiting. */
  waiting(lane: Lane): number {
    return this.#lanes[lane].tokens;
  }

  /** Seconds that a text in this lane waits, of a client that has nothing there yet. */
  waitSeconds(lane: Lane): number {
    return this.#ahead(lane, undefined, { tokens: 1, due: this.#dueOf(lane, 1) }) / this.#speed.perSecond;
  }

  /** Whether a call may come in. @throws QueueFullError. */
  check(call: ExpectedCall): void {
    const limit = this.#options.maxQueueSeconds[call.lane];
    const seconds = this.#secondsAhead(call);
    const excess = Math.max(seconds - limit, this.#secondsUntilNoneIsLate(call));
    if (excess > 0) throw new QueueFullError(limit, limit + excess, Math.ceil(Date.now() + excess * 1_000));
  }

  /** For each text, in order. @throws QueueFullError, ClosedError, the signal's reason, the backend's errors. */
  async run(call: SchedulerCall): Promise<readonly TextOutput[]> {
    const { texts, heads, normalize, promptTokens, lane, client = '', signal, onTimes } = call;
    if (this.#closed) throw new ClosedError('the embedder');
    signal?.throwIfAborted();
    if (texts.length === 0) return [];
    const tokens = tokensOf({ texts });
    this.check({ lane, client, tokens });
    return new Promise((resolve, reject) => {
      const job: Job = {
        texts,
        client,
        due: this.#dueOf(lane, tokens),
        outputs: new Array<TextOutput>(texts.length),
        heads,
        normalize,
        promptTokens,
        lane,
        left: texts.length,
        done: false,
        queued: this.#now(),
        begun: undefined,
        onTimes,
        signal,
        aborted: () => this.#fail(job, signal?.reason),
        resolve,
        reject,
      };
      if (this.#lanes[lane].isEmpty && this.#running[lane] === 0)
        this.#served[lane] = Math.max(this.#served[lane], this.#servedBefore);
      if (lane === 'interactive') this.#lastInteractive = this.#now();
      this.#lanes[lane].push(job);
      signal?.addEventListener('abort', job.aborted, { once: true });
      queueMicrotask(() => this.#next());
    });
  }

  close(): void {
    this.#closed = true;
    for (const lane of LANES)
      for (const job of this.#lanes[lane].drain()) this.#fail(job, new ClosedError('the embedder'));
  }

  /** Tokens a second that calls are accepted by. */
  get #promised(): number {
    return this.#speed.perSecond * PROMISED_SPEED;
  }

  /**
   * Milliseconds of the clock by which a call of so many tokens, accepted now, is to be done: a large one is promised no
   * more than that. Others are due at once: they pass it until then.
   */
  #dueOf(lane: Lane, tokens: number): number {
    const seconds = tokens / this.#promised;
    return this.#now() + (seconds < LARGE_SECONDS ? 0 : seconds + this.#options.maxQueueSeconds[lane]) * 1_000;
  }

  #secondsAhead({ lane, client = '', tokens }: ExpectedCall): number {
    return this.#ahead(lane, client, { tokens, due: this.#dueOf(lane, tokens) }) / this.#promised;
  }

  /** Seconds until a large call makes no other large one late; 0 where it makes none late now. */
  #secondsUntilNoneIsLate({ lane, client = '', tokens }: ExpectedCall): number {
    const large = LARGE_SECONDS * this.#promised;
    if (tokens < large) return 0;
    const due = this.#dueOf(lane, tokens);
    let seconds = 0;
    for (const { call, tokens: left } of this.#lanes[lane].large(large)) {
      if (call.client === client && call.due <= due) continue;
      const done = (this.#ahead(lane, call.client, { tokens: left, due: call.due - 1 }) + left) / this.#promised;
      const isLate = done + tokens / this.#promised > (call.due - this.#now()) / 1_000;
      if (isLate) seconds = Math.max(seconds, done);
    }
    return seconds;
  }

  /** Tokens that are computed before a call is done, without its own. */
  #ahead(lane: Lane, client: string | undefined, call: { readonly tokens: number; readonly due: number }): number {
    const { interactive, bulk } = this.#lanes;
    const turn = this.#batchTokens(lane);
    const ahead = this.#lanes[lane].ahead(client, call, turn);
    const through = ahead + call.tokens;
    return lane === 'interactive'
      ? ahead + Math.min(bulk.tokens, through / INTERACTIVE_TOKENS_A_BULK_TOKEN)
      : ahead + Math.min(interactive.tokens, through * INTERACTIVE_TOKENS_A_BULK_TOKEN);
  }

  #batchTokens(lane: Lane): number {
    const { batchTokens } = this.#options;
    const isShort = lane === 'bulk' && this.#now() - this.#lastInteractive < SHORT_BATCHES_FOR_MILLISECONDS;
    const seconds = isShort ? SHORT_BATCH_SECONDS : BATCH_SECONDS;
    return Math.min(batchTokens, Math.max(SHORTEST_BATCH_TOKENS, Math.round(this.#speed.perSecond * seconds)));
  }

  #next(): void {
    for (let lane = this.#turn(); lane !== undefined; lane = this.#turn()) {
      const batch = this.#lanes[lane].take(this.#batchTokens(lane));
      if (batch.length === 0) return;
      void this.#execute(lane, batch).finally(() => this.#next());
    }
  }

  /** The lane whose batch is next; undefined where nothing waits for a free place. */
  #turn(): Lane | undefined {
    const [first, second] = LANES.filter((lane) => this.#mayRun(lane));
    return first === 'interactive' && second === 'bulk' && this.#isBulkBehind ? 'bulk' : first;
  }

  #mayRun(lane: Lane): boolean {
    const { isEmpty, tokens } = this.#lanes[lane];
    const running = this.#running[lane];
    if (isEmpty || running === 0) return !isEmpty;
    return running < this.#options.concurrency && tokens >= Math.min(TOKENS_AHEAD, this.#batchTokens(lane) / 2);
  }

  get #isBulkBehind(): boolean {
    return this.#served.bulk < this.#served.interactive;
  }

  async #execute(lane: Lane, batch: readonly Item[]): Promise<void> {
    // Bulk batches that wait in the backend are passed, unless it is their turn.
    const order: RunOrder =
      lane === 'interactive' && !(this.#running.bulk > 0 && this.#isBulkBehind) ? 'first' : 'last';
    this.#servedBefore = this.#served[lane];
    this.#served[lane] += tokensOfItems(batch) * (lane === 'bulk' ? INTERACTIVE_TOKENS_A_BULK_TOKEN : 1);
    this.#running[lane] += 1;
    for (const { call } of batch) call.begun ??= this.#now();
    // Calls that ask for the same outputs share a run: nobody pays for a head that only a neighbour wants.
    const outputsOf = ({ call }: Item): string => outputsName(call.heads, call.normalize);
    for (const outputs of new Set(batch.map(outputsOf)))
      await this.#runTogether(
        batch.filter((item) => outputsOf(item) === outputs),
        order,
      );
    this.#running[lane] -= 1;
  }

  async #runTogether(batch: readonly Item[], order: RunOrder): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    const { heads, normalize } = first.call;
    const { backend, onBatch } = this.#options;
    this.#speed.begin(this.#now());
    let tokens = 0;
    try {
      const promptTokens = Int32Array.from(batch, ({ call }) => call.promptTokens);
      const output = await backend.run(
        { ...tokenBatch(batch.map(({ ids }) => ids)), promptTokens },
        { heads, normalize, order },
      );
      const outputs = outputsOfTexts(output, heads, batch.length, backend);
      tokens = tokensOfItems(batch);
      batch.forEach((item, row) => this.#finish(item, outputs[row] as TextOutput));
    } catch (error) {
      const jobs = [...new Set(batch.map(({ call }) => call))];
      // One call's poison must not fail its neighbours: each call again, alone.
      if (jobs.length > 1)
        for (const job of jobs)
          await this.#runTogether(
            batch.filter(({ call }) => call === job && !call.done),
            order,
          );
      else for (const job of jobs) this.#fail(job, error);
    } finally {
      const milliseconds = this.#speed.end(tokens, this.#now());
      if (tokens > 0) onBatch({ texts: batch.length, tokens, milliseconds });
    }
  }

  #finish({ call: job, index }: Item, output: TextOutput): void {
    if (job.done) return;
    job.outputs[index] = output;
    job.left -= 1;
    if (job.left > 0) return;
    this.#settle(job);
    const { queued, begun = queued } = job;
    job.onTimes?.({ queue: begun - queued, inference: this.#now() - begun });
    job.resolve(job.outputs);
  }

  #fail(job: Job, error: unknown): void {
    if (job.done) return;
    this.#settle(job);
    job.reject(error);
  }

  /** Its texts that still wait are not computed, and a signal that outlives the call does not keep it. */
  #settle(job: Job): void {
    job.done = true;
    this.#lanes[job.lane].forget(job);
    job.signal?.removeEventListener('abort', job.aborted);
  }
}

function tokensOfItems(batch: readonly Item[]): number {
  return batch.reduce((sum, { ids }) => sum + ids.length, 0);
}

/**
 * Cuts the output of B texts. @throws Error where a backend breaks its contract: a programming error, not one of a
 * caller.
 */
function outputsOfTexts(
  output: BackendOutput,
  heads: readonly Head[],
  texts: number,
  { name, variant, space: { dimension } }: InferenceBackend,
): readonly TextOutput[] {
  const { dense, sparse, colbert } = output;
  const sizes: Readonly<Record<Head, number | undefined>> = {
    dense: dense === undefined ? undefined : dense.length / dimension,
    sparse: sparse?.length,
    colbert: colbert?.length,
  };
  for (const head of heads)
    if (sizes[head] !== texts)
      throw new Error(`backend ${name} returned ${head} for ${sizes[head]} texts instead of ${texts}`);
  return Array.from({ length: texts }, (_, i) => ({
    ...headsOfText(output, i, texts),
    variant: output.variant ?? variant.name,
  }));
}
