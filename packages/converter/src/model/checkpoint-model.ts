import { createHash } from 'node:crypto';
import type { EncoderShape, ReferenceEncoder, WeightReader } from '@kimera/reference-encoder';
import { MissingTensorError, readRows, type TensorLocation } from '@kimera/tensor-file';
import { architectureOf } from '../architectures/architecture-of.js';
import type { Architecture } from '../architectures/architecture.js';
import { openCheckpoint, type Checkpoint, type OpenCheckpointOptions } from '../checkpoint/checkpoint.js';
import { TensorShapeError } from '../errors.js';
import { checkWidths, headWeights, moduleWeights } from './module-weights.js';
import { encoderWeights, type WeightGroup, type WeightPlan } from './weight-plan.js';

/**
 * A checkpoint with its architecture: which tensor is which weight, checked once. Weights are read when they are needed
 * and never all held.
 */
export class CheckpointModel {
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

  /** Where the weight lies in the checkpoint's files, if in one piece. */
  location(plan: WeightPlan): Promise<TensorLocation | undefined> {
    return this.checkpoint.tensors.location(this.#source(plan));
  }

  /** The weight in order, in whole rows; each slice is valid until the next is asked for. */
  slices(plan: WeightPlan): AsyncIterable<Float32Array> {
    return this.checkpoint.tensors.slices(this.#source(plan));
  }

  /**
   * The weights part of the space's identity: SHA-256 over the tensors in the order of their canonical names, each as
   * its name, a line feed, its dimensions joined by `x`, a line feed, and its numbers as little-endian float32
   * (docs/fingerprint.md).
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

  /** The model as packages/reference-encoder takes it; the checkpoint must stay open while that reads weights. */
  reference(): ReferenceEncoder {
    const { modules, heads } = this.checkpoint;
    return { shape: this.shape, modules, heads, weights: this.#reader() };
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
      rows: (name, indices) => {
        const plan = find(name);
        return readRows(this.checkpoint.tensors, this.#source(plan), plan.shape[1] as number, indices);
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
    throw new MissingTensorError(plan.sources[0] ?? plan.name, this.checkpoint.tensors.names);
  }
}

/** The caller closes `checkpoint.tensors`. @throws as openCheckpoint and CheckpointModel. */
export async function openCheckpointModel(folder: string, options?: OpenCheckpointOptions): Promise<CheckpointModel> {
  const checkpoint = await openCheckpoint(folder, options);
  try {
    return new CheckpointModel(checkpoint, architectureOf(checkpoint));
  } catch (error) {
    await checkpoint.tensors.close();
    throw error;
  }
}
