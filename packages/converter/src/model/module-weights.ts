import { denseName, type ModuleChain, type TokenHeads } from '@kimera/reference-encoder';
import { COLBERT_FILE, SPARSE_FILE } from '../checkpoint/token-heads.js';
import { InvalidConfigurationError } from '../errors.js';
import { aloneGroup, type WeightGroup } from './weight-plan.js';

/** D', numbers of the vector at the end of the chain. */
export function dimensionOf({ pooling, afterPooling }: ModuleChain, hiddenSize: number): number {
  return afterPooling.reduce((width, module) => {
    if (module.kind === 'dense') return module.outFeatures;
    return module.kind === 'truncate' ? Math.min(width, module.dimension) : width;
  }, hiddenSize * pooling.length);
}

/** @throws InvalidConfigurationError where a module expects another width than the one before gives. */
export function checkWidths({ pooling, afterPooling }: ModuleChain, hiddenSize: number): void {
  afterPooling.reduce((given, module) => {
    if (module.kind !== 'dense') return given;
    if (module.inFeatures !== given)
      throw new InvalidConfigurationError(
        `${module.path}/config.json`,
        `in_features is ${module.inFeatures}, the module before gives ${given}`,
      );
    return module.outFeatures;
  }, hiddenSize * pooling.length);
}

/**
 * The modules by name where `normalize` and the names of the weights do not tell them: where the vector is cut.
 * Undefined elsewhere.
 */
export function unusualModules(whole: ModuleChain, hiddenSize: number): readonly string[] | undefined {
  const chain = withoutIdleCuts(whole, hiddenSize);
  if (!chain.afterPooling.some(({ kind }) => kind === 'truncate')) return undefined;
  const full = { ...chain, afterPooling: chain.afterPooling.filter(({ kind }) => kind !== 'truncate') };
  return chain.afterPooling.map((module) =>
    module.kind === 'truncate' ? `truncate ${dimensionOf(full, hiddenSize)} to ${module.dimension}` : module.kind,
  );
}

/** True where the last module divides by the L2 norm. */
export function endsNormalized(chain: ModuleChain, hiddenSize: number): boolean {
  return withoutIdleCuts(chain, hiddenSize).afterPooling.at(-1)?.kind === 'normalize';
}

/** A cut at the vector's own width or beyond takes nothing away. */
function withoutIdleCuts(chain: ModuleChain, hiddenSize: number): ModuleChain {
  const uncut = { ...chain, afterPooling: chain.afterPooling.filter(({ kind }) => kind !== 'truncate') };
  const width = dimensionOf(uncut, hiddenSize);
  return {
    ...chain,
    afterPooling: chain.afterPooling.filter((module) => module.kind !== 'truncate' || module.dimension < width),
  };
}

/**
 * Weights of the Dense modules. Place and activation change every vector, so they are part of the canonical name and
 * with it of the hash.
 */
export function moduleWeights({ afterPooling }: ModuleChain): readonly WeightGroup[] {
  return afterPooling.flatMap((module, i) => {
    if (module.kind !== 'dense') return [];
    const name = denseName(module, i);
    return [
      aloneGroup('fp32', {
        name: `${name}.weight`,
        sources: [`${module.path}/linear.weight`],
        shape: [module.outFeatures, module.inFeatures],
      }),
      ...(module.bias === 'present'
        ? [
            aloneGroup('fp32', {
              name: `${name}.bias`,
              sources: [`${module.path}/linear.bias`],
              shape: [module.outFeatures],
            }),
          ]
        : []),
    ];
  });
}

export function headWeights({ sparse, colbert }: TokenHeads, hiddenSize: number): readonly WeightGroup[] {
  const head = (name: string, file: string, rows: number): readonly WeightGroup[] => [
    aloneGroup('fp32', { name: `heads.${name}.weight`, sources: [`${file}/weight`], shape: [rows, hiddenSize] }),
    aloneGroup('fp32', { name: `heads.${name}.bias`, sources: [`${file}/bias`], shape: [rows] }),
  ];
  return [
    ...(sparse === undefined ? [] : head('sparse', SPARSE_FILE, 1)),
    ...(colbert === undefined ? [] : head('colbert', COLBERT_FILE, colbert.dimension)),
  ];
}
