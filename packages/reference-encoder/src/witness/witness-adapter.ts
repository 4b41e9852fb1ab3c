import { openSafetensors, type TensorSource } from '@kimera/tensor-file';
import { openTorch } from '@kimera/torch-file';
import { ifPresent } from '@kimera/core';
import { asObject, WitnessFile } from './witness-file.js';

/** A PEFT LoRA adapter: what it adds to the weights of its base. */
export interface WitnessAdapter {
  /** The weight with the adapter in it; the same one where the adapter does not touch it. @param shape of the weight. */
  merge(name: string, shape: readonly number[], base: Float32Array): Promise<Float32Array>;
  touches(name: string): boolean;
  readonly describe: string;
  readonly notSeen: readonly string[];
  close(): Promise<void>;
}

const PREFIX = /^base_model\.model\./;

/** Undefined where the folder has no adapter_config.json. */
export async function witnessAdapter(folder: string): Promise<WitnessAdapter | undefined> {
  const config = await WitnessFile.read(folder, 'adapter_config.json');
  if (config.isEmpty) return undefined;
  const source: TensorSource =
    (await ifPresent(() => openSafetensors(`${folder}/adapter_model.safetensors`))) ??
    (await openTorch(`${folder}/adapter_model.bin`));
  const type = config.text('peft_type') ?? 'LORA';
  const alpha = config.number('lora_alpha') ?? 8;
  const alphas = config.object('alpha_pattern');
  const root = config.flag('use_rslora') === true;
  const notSeen = [
    ...(type === 'LORA' ? [] : [`adapter_config.json: peft_type ${type}`]),
    ...(config.flag('use_dora') === true ? ['adapter_config.json: use_dora'] : []),
    ...(config.flag('fan_in_fan_out') === true ? ['adapter_config.json: fan_in_fan_out'] : []),
  ];
  /** Name of a weight in the base → names in the adapter's file. */
  const pairs = new Map<string, { down: string; up: string }>();
  const replaced = new Map<string, string>();
  for (const name of source.names) {
    const own = name.replace(PREFIX, '');
    const [, module, part] = /^(.*)\.lora_(?:embedding_)?([AB])(?:\.weight)?$/.exec(own) ?? [];
    if (module === undefined) {
      if (!own.includes('lora_')) replaced.set(own.replace(/\.(base_layer|modules_to_save(\.default)?)\./, '.'), name);
      else notSeen.push(`adapter tensor ${name}`);
      continue;
    }
    const pair = pairs.get(`${module}.weight`) ?? { down: '', up: '' };
    pairs.set(`${module}.weight`, part === 'A' ? { ...pair, down: name } : { ...pair, up: name });
  }
  const scaleOf = (module: string, rank: number): number => {
    const [, own] = Object.entries(alphas).find(([pattern]) => new RegExp(`^(.*\\.)?(${pattern})$`).test(module)) ?? [];
    return (typeof own === 'number' ? own : alpha) / (root ? Math.sqrt(rank) : rank);
  };
  return {
    touches: (name) => pairs.has(name) || replaced.has(name),
    describe: `LoRA over ${pairs.size} matrices, alpha ${alpha}${root ? ', over the root of the rank' : ''}`,
    notSeen,
    async merge(name, shape, base) {
      const other = replaced.get(name);
      const pair = pairs.get(name);
      if (other !== undefined) return source.read(other);
      if (pair === undefined) return base;
      const [down, up] = [await source.read(pair.down), await source.read(pair.up)];
      const [rank = 1] = source.shape(pair.down) ?? [];
      const scale = scaleOf(name.replace(/\.weight$/, ''), rank);
      const [rows = 0, columns = 0] = shape;
      // Of an embedding table [V, E] the factors are [r, V] and [E, r]: the product is transposed.
      const isTable = pair.down.includes('lora_embedding_');
      const merged = Float32Array.from(base);
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          const [output, input, inputs] = isTable ? [column, row, rows] : [row, column, columns];
          let sum = 0;
          for (let k = 0; k < rank; k++)
            sum += (up[output * rank + k] as number) * (down[k * inputs + input] as number);
          const at = row * columns + column;
          merged[at] = (merged[at] as number) + scale * sum;
        }
      return merged;
    },
    close: () => source.close(),
  };
}

/** Whether a folder holds an adapter that sentence-transformers does not look for. */
export async function hasAdapter(folder: string): Promise<boolean> {
  const config = await WitnessFile.read(folder, 'adapter_config.json');
  return Object.keys(asObject(config.content)).length > 0;
}
