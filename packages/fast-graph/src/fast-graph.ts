import { type Head, UnnormalizedOutputError } from '@kimera/core';
import { InferenceError, ModelLoadError, reasonOf } from './errors.js';
import type { GraphInput, GraphSession } from './graph-session.js';
import type { GroupRequest, GroupResponse } from './group.js';

/** Inputs of the fast graph that switch a head on; off, it costs nothing. The dense head is always on. */
const SWITCHES: Readonly<Partial<Record<Head, string>>> = { sparse: 'want_sparse', colbert: 'want_colbert' };
/** Output [B, D] of a graph that normalises: dense before that. Converters before it was there did not write it. */
const POOLED = 'pooled';
/** How many tokens at the head of each text the pooling leaves out; where the model does so. */
const PROMPT_TOKENS = 'prompt_tokens';

/**
 * A model folder's fast graph in a session: attention without mask, pooling and normalisation inside, heads behind
 * switches.
 */
export class FastGraph {
  readonly #session: GraphSession;
  readonly #path: string;
  /** Of the heads that the graph has. */
  readonly #switches: readonly (readonly [Head, string])[];

  /**
   * @param path only for messages.
   * @param heads what space.json promises.
   * @throws ModelLoadError where the graph asks for inputs that are not known, or lacks a head.
   */
  constructor(session: GraphSession, path: string, heads: readonly Head[]) {
    const understood = ['input_ids', PROMPT_TOKENS, ...Object.values(SWITCHES)];
    const unknown = session.inputNames.filter((name) => !understood.includes(name));
    if (unknown.length > 0)
      throw new ModelLoadError(path, `the graph asks for the inputs ${unknown.join(', ')}, which are not known`);
    const missing = heads.filter(
      (head) => !session.outputNames.includes(head) || !session.inputNames.includes(SWITCHES[head] ?? 'input_ids'),
    );
    if (missing.length > 0)
      throw new ModelLoadError(path, `the graph has no ${missing.join(', ')}, which space.json promises`);
    this.#session = session;
    this.#path = path;
    this.#switches = heads.flatMap((head) => (SWITCHES[head] === undefined ? [] : [[head, SWITCHES[head]] as const]));
  }

  /** One after the other. @throws as run. */
  async runAll(groups: readonly GroupRequest[]): Promise<readonly GroupResponse[]> {
    const responses: GroupResponse[] = [];
    for (const group of groups) responses.push(await this.run(group));
    return responses;
  }

  /** @throws InferenceError, UnnormalizedOutputError. */
  async run({ ids, texts, tokens, heads, normalize, promptTokens }: GroupRequest): Promise<GroupResponse> {
    const outputOf = (head: Head): string => (head === 'dense' && normalize === false ? POOLED : head);
    if (heads.some((head) => outputOf(head) === POOLED) && !this.#session.outputNames.includes(POOLED))
      throw new UnnormalizedOutputError(this.#path);
    const feeds: Record<string, GraphInput> = {
      input_ids: { type: 'int64', data: BigInt64Array.from(ids, BigInt), dims: [texts, tokens] },
    };
    for (const [head, input] of this.#switches)
      feeds[input] = { type: 'bool', data: Uint8Array.of(Number(heads.includes(head))), dims: [] };
    if (this.#session.inputNames.includes(PROMPT_TOKENS))
      feeds[PROMPT_TOKENS] = { type: 'int64', data: BigInt64Array.from(promptTokens, BigInt), dims: [texts] };
    const outputs = await this.#session.run(feeds, heads.map(outputOf)).catch((error: unknown) => {
      throw new InferenceError(texts, tokens, reasonOf(error));
    });
    return Object.fromEntries(
      heads.map((head) => {
        const values = outputs[outputOf(head)]?.data;
        if (!(values instanceof Float32Array))
          throw new InferenceError(texts, tokens, `the graph has no float output "${outputOf(head)}"`);
        // A copy: onnxruntime-node's own memory cannot be transferred between threads.
        return [head, values.slice()];
      }),
    );
  }
}
