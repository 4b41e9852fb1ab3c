import { createHash } from 'node:crypto';
import { lexicalWeights, type Vector } from '@kimera/core';
import type { Architecture, EncoderShape } from '../architectures/architecture.js';
import { checkWidths, moduleWeights, poolReference } from '../architectures/pooling.js';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { TensorLocation } from '../checkpoint/tensor-source.js';
import { forwardPass, type WeightReader } from '../encoder/forward-pass.js';
import { encoderWeights, type WeightGroup, type WeightPlan } from '../encoder/weight-plan.js';
import { colbertReference, headWeights, sparseReference } from '../heads/token-heads.js';
import { MissingTensorError, TensorShapeError } from '../errors/checkpoint-errors.js';
import type { WeightSlices } from './linear.js';

/** A text for the forward pass. */
export interface ReferenceText {
  readonly ids: ArrayLike<number>;
  /** Tokens at its head that are the prompt's, [CLS] included; 0 where it has none. */
  readonly promptTokens: number;
}

/** What the checkpoint says a text is, computed in float64 and rounded to float32 at the end. */
export interface ReferenceOutput {
  /** [T, D]. */
  readonly hidden: Float32Array;
  /** [D']. */
  readonly dense: Vector;
  /** Token id → weight > 0, where the model has the head. */
  readonly sparse?: ReadonlyMap<number, number>;
  /** [T - 1, C], where the model has the head. */
  readonly colbert?: Float32Array;
}

/**
 * A checkpoint with its architecture: which tensor is which weight, checked once. Weights are read when they are needed
 * and never all held.
 */
export class ReferenceModel {
  readonly shape: EncoderShape;
  readonly groups: readonly WeightGroup[];
  readonly #plans = new Map<string, WeightPlan>();

  /** @throws InvalidConfigurationError, UnsupportedModelError, MissingTensorError, TensorShapeError. */
  constructor(
    readonly checkpoint: Checkpoint,
    readonly architecture: Architecture,
  ) {
    this.shape = architecture.shape(checkpoint.config, `${checkpoint.folder}/config.json`);
    this.groups = [
      ...encoderWeights(architecture, this.shape),
      ...moduleWeights(checkpoint.modules),
      ...headWeights(checkpoint.heads, this.shape.hiddenSize),
    ];
    for (const plan of this.plans()) {
      this.#source(plan);
      this.#plans.set(plan.name, plan);
    }
    checkWidths(checkpoint.modules, this.shape.hiddenSize);
  }

  plans(): readonly WeightPlan[] {
    return this.groups.flatMap((group) => group.weights);
  }

  read(plan: WeightPlan): Promise<Float32Array> {
    return this.checkpoint.tensors.read(this.#source(plan));
  }

  /** Where the checkpoint has it in one piece. */
  location(plan: WeightPlan): Promise<TensorLocation | undefined> {
    return this.checkpoint.tensors.location(this.#source(plan));
  }

  /** The weight in order, in whole rows; each slice is valid until the next is asked for. */
  slices(plan: WeightPlan): AsyncIterable<Float32Array> {
    return this.checkpoint.tensors.slices(this.#source(plan));
  }

  /**
   * The weights part of the space's identity: SHA-256 over the tensors in the order of their canonical names, each as
   * its name, a line
   * feed, its dimensions joined by `x`, a line feed, and its numbers as little-endian float32 (docs/fingerprint.md).
   */
  async weightsHash(signal?: AbortSignal): Promise<string> {
    const hash = createHash('sha256');
    const plans = [...this.plans()].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const plan of plans) {
      hash.update(`${plan.name}\n${plan.shape.join('x')}\n`);
      for await (const values of this.slices(plan)) {
        signal?.throwIfAborted();
        hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      }
    }
    return hash.digest('hex');
  }

  /** One text after the other, all heads; the weights are read once for all of them, layer by layer. */
  async embedAll(texts: readonly ReferenceText[]): Promise<readonly ReferenceOutput[]> {
    const reader = this.#reader();
    const states = await forwardPass(
      reader,
      this.shape,
      texts.map(({ ids }) => ids),
    );
    const { modules, heads } = this.checkpoint;
    const outputs: ReferenceOutput[] = [];
    for (const [i, hidden] of states.entries()) {
      const { ids, promptTokens } = texts[i] as ReferenceText;
      const head = async (name: string): Promise<readonly [WeightSlices, Float32Array]> => [
        reader.slices(`heads.${name}.weight`),
        await reader.tensor(`heads.${name}.bias`),
      ];
      outputs.push({
        hidden: Float32Array.from(hidden),
        dense: Float32Array.from(
          await poolReference(hidden, ids.length, this.shape.hiddenSize, modules, promptTokens, reader),
        ),
        ...(heads.sparse === undefined
          ? {}
          : {
              sparse: lexicalWeights(
                ids,
                Float32Array.from(await sparseReference(hidden, ids.length, ...(await head('sparse')))),
                heads.sparse.ignoredIds,
              ),
            }),
        ...(heads.colbert === undefined
          ? {}
          : { colbert: Float32Array.from(await colbertReference(hidden, ids.length, ...(await head('colbert')))) }),
      });
    }
    return outputs;
  }

  #reader(): WeightReader {
    const find = (name: string): WeightPlan => {
      const plan = this.#plans.get(name);
      if (plan === undefined) throw new Error(`no weight ${name}`);
      return plan;
    };
    return {
      tensor: (name) => this.read(find(name)),
      slices: (name) => this.slices(find(name)),
      row: (name, index) => {
        const plan = find(name);
        const width = plan.shape[1] as number;
        return this.checkpoint.tensors.read(this.#source(plan), { from: index * width, count: width });
      },
    };
  }

  #source(plan: WeightPlan): string {
    for (const source of plan.sources) {
      const actual = this.checkpoint.tensors.shape(source);
      if (actual === undefined) continue;
      if (actual.join() !== plan.shape.join()) throw new TensorShapeError(source, plan.shape, actual);
      return source;
    }
    throw new MissingTensorError(plan.sources[0] ?? plan.name);
  }
}
