import { denseName, type AfterPooling } from '../pooling.js';
import type { WeightReader } from '../forward-pass.js';
import { openTensors } from './witness-encoder.js';

/** The encoder's weights and those of the Dense modules, under the names that the forward pass asks for. */
export async function denseWeights(
  folder: string,
  chain: readonly AfterPooling[],
  encoder: WeightReader,
): Promise<WeightReader> {
  const own = new Map<string, Float32Array>();
  for (const [i, module] of chain.entries()) {
    if (module.kind !== 'dense') continue;
    const source = await openTensors(`${folder}/${module.path}`);
    try {
      for (const part of ['weight', 'bias'])
        if (source.shape(`linear.${part}`) !== undefined)
          own.set(`${denseName(module, i)}.${part}`, await source.read(`linear.${part}`));
    } finally {
      await source.close();
    }
  }
  async function* one(tensor: Float32Array): AsyncGenerator<Float32Array> {
    yield tensor;
  }
  return {
    tensor: async (name) => own.get(name) ?? encoder.tensor(name),
    slices: (name) => {
      const tensor = own.get(name);
      return tensor === undefined ? encoder.slices(name) : one(tensor);
    },
    rows: (name, indices) => encoder.rows(name, indices),
  };
}
