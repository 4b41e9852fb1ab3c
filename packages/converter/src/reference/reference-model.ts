import { createHash } from 'node:crypto';
import type { Vector } from '@kimera/core';
import type { Architecture, EncoderShape, WeightPlan } from '../architectures/architecture.js';
import { poolReference } from '../architectures/pooling.js';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { MissingTensorError, TensorShapeError } from '../errors/checkpoint-errors.js';

/** A checkpoint with its architecture: which tensor is which weight, checked once. */
export class ReferenceModel {
  readonly shape: EncoderShape;
  readonly #weights = new Map<string, Float32Array>();

  /** @throws InvalidConfigurationError, UnsupportedModelError, MissingTensorError, TensorShapeError. */
  constructor(
    readonly checkpoint: Checkpoint,
    readonly architecture: Architecture,
  ) {
    this.shape = architecture.shape(checkpoint);
    for (const plan of this.plans()) this.#source(plan);
  }

  plans(): readonly WeightPlan[] {
    return this.architecture.groups(this.shape).flatMap((group) => group.weights);
  }

  read(plan: WeightPlan): Promise<Float32Array> {
    return this.checkpoint.tensors.read(this.#source(plan));
  }

  /**
   * The weights part of the space's identity: SHA-256 over the tensors in the order of their canonical names, each as its name, a line
   * feed, its dimensions joined by `x`, a line feed, and its numbers as little-endian float32 (docs/fingerprint.md).
   */
  async weightsHash(): Promise<string> {
    const hash = createHash('sha256');
    const plans = [...this.plans()].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const plan of plans) {
      const values = await this.read(plan);
      hash.update(`${plan.name}\n${plan.shape.join('x')}\n`).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    return hash.digest('hex');
  }

  /** The vector of one text by the float64 forward pass, rounded to float32 at the end; [D]. The weights are held in memory from the first call on. */
  async embed(ids: ArrayLike<number>): Promise<Vector> {
    if (this.#weights.size === 0) for (const plan of this.plans()) this.#weights.set(plan.name, await this.read(plan));
    const hidden = this.architecture.reference(this.#weights, this.shape, ids);
    const { pooling, normalize } = this.checkpoint;
    return Float32Array.from(poolReference(hidden, ids.length, this.shape.hiddenSize, pooling, normalize));
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
