import { type Head, HEADS, UnnormalizedOutputError, reasonOf } from '@kimera/core';
import { InferenceError, ModelLoadError } from './errors.js';
import type { GraphInput, GraphSession } from './graph-session.js';
import type { RunRequest, RunResponse } from './run-request.js';

/** Inputs of the fast graph that switch a head on; off, it costs nothing. The dense head is always on. */
const SWITCHES: Readonly<Partial<Record<Head, string>>> = { sparse: 'want_sparse', colbert: 'want_colbert' };
/** Output [B, D] of a graph that normalises: dense before that. Converters before it was there did not write it. */
const POOLED = 'pooled';
/** How many tokens at the head of each text the pooling leaves out; where the model does so. */
const PROMPT_TOKENS = 'prompt_tokens';
/** Input [G, 2] of a graph that takes texts of several lengths: texts and tokens of each group. Older ones lack it. */
const GROUPS = 'groups';

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
    const understood = ['input_ids', 'token_places', GROUPS, PROMPT_TOKENS, ...Object.values(SWITCHES)];
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
  async runAll(runs: readonly RunRequest[]): Promise<readonly RunResponse[]> {
    const responses: RunResponse[] = [];
    for (const run of runs) responses.push(await this.run(run));
    return responses;
  }

  /** @throws InferenceError, UnnormalizedOutputError. */
  async run(request: RunRequest): Promise<RunResponse> {
    const { heads, normalize } = request;
    const outputOf = (head: Head): string => (head === 'dense' && normalize === false ? POOLED : head);
    if (heads.some((head) => outputOf(head) === POOLED) && !this.#session.outputNames.includes(POOLED))
      throw new UnnormalizedOutputError(this.#path);
    const { inputNames } = this.#session;
    if (!inputNames.includes(GROUPS) && request.groups.length > 1)
      return joined(await this.runAll(groupByGroup(request)));
    const feeds: Record<string, GraphInput> = inputNames.includes(GROUPS) ? mixedTexts(request) : equalTexts(request);
    for (const [head, input] of this.#switches)
      feeds[input] = { type: 'bool', data: Uint8Array.of(Number(heads.includes(head))), dims: [] };
    if (inputNames.includes(PROMPT_TOKENS)) feeds[PROMPT_TOKENS] = int64(request.promptTokens);
    const failed = (reason: string): InferenceError =>
      new InferenceError(request.promptTokens.length, Math.max(...request.groups.map(({ tokens }) => tokens)), reason);
    const outputs = await this.#session.run(feeds, heads.map(outputOf)).catch((error: unknown) => {
      throw failed(reasonOf(error));
    });
    return Object.fromEntries(
      heads.map((head) => {
        const values = outputs[outputOf(head)]?.data;
        if (!(values instanceof Float32Array)) throw failed(`the graph has no float output "${outputOf(head)}"`);
        // A copy: onnxruntime-node's own memory cannot be transferred between threads.
        return [head, values.slice()];
      }),
    );
  }
}

function int64(values: Int32Array, dims: readonly number[] = [values.length]): GraphInput {
  return { type: 'int64', data: BigInt64Array.from(values, BigInt), dims };
}

/** The texts of one group, for graphs that take texts of equal length alone. */
function equalTexts({ ids, groups: [group] }: RunRequest): Record<string, GraphInput> {
  return { input_ids: int64(ids, [group?.texts ?? 0, group?.tokens ?? 0]) };
}

function mixedTexts({ ids, groups }: RunRequest): Record<string, GraphInput> {
  const places = new Int32Array(ids.length);
  let at = 0;
  for (const { texts, tokens } of groups)
    for (let text = 0; text < texts; text++) for (let place = 0; place < tokens; place++) places[at++] = place;
  return {
    input_ids: int64(ids),
    token_places: int64(places),
    [GROUPS]: int64(Int32Array.from(groups.flatMap(({ texts, tokens }) => [texts, tokens])), [groups.length, 2]),
  };
}

function groupByGroup({ ids, promptTokens, ...request }: RunRequest): readonly RunRequest[] {
  let [token, text] = [0, 0];
  return request.groups.map((group) => {
    const [firstToken, firstText] = [token, text];
    token += group.texts * group.tokens;
    text += group.texts;
    return {
      ...request,
      groups: [group],
      ids: ids.subarray(firstToken, token),
      promptTokens: promptTokens.subarray(firstText, text),
    };
  });
}

function joined(responses: readonly RunResponse[]): RunResponse {
  return Object.fromEntries(
    HEADS.flatMap((head) => {
      const parts = responses.flatMap((response) => response[head] ?? []);
      if (parts.length === 0) return [];
      const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of parts) {
        all.set(part, at);
        at += part.length;
      }
      return [[head, all]];
    }),
  );
}
