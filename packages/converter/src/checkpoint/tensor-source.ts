/** Tensors by name, decoded to float32 one at a time. */
export interface TensorSource {
  readonly names: readonly string[];
  shape(name: string): readonly number[] | undefined;
  /** Row-major. @throws MissingTensorError, NotFiniteError. */
  read(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}
