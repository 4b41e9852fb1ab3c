import type { VariantName } from '@kimera/core';
import { chooseVariant, type ModelFolder, type SpaceFileVariant } from '@kimera/model-folder/pure';
import { WasmMemoryError } from './errors.js';
import { WASM_MEMORY_LIMIT, wasmFit } from './wasm-fit.js';

/** A variant that fits into WebAssembly. */
export interface FittingVariant {
  readonly variant: SpaceFileVariant;
  /** Of its fast graph. */
  readonly graph: Uint8Array;
  /** Tokens. */
  readonly longestText: number;
}

export interface OpenFittingOptions<Backend> {
  readonly folder: ModelFolder;
  /**
   * ServedVariant or refused. Where absent: the folder's first, or, if that does not fit into WebAssembly, another of the same
   * space that does and holds.
   */
  readonly variant?: VariantName | undefined;
  readonly readFile: (name: string) => Promise<Uint8Array>;
  /** Runs the folder's probes. */
  readonly open: (fitting: FittingVariant) => Promise<Backend>;
}

/** Opens the variant. @throws WasmMemoryError, UnknownVariantError, and as `open`. */
export async function openFitting<Backend>({
  folder,
  variant: name,
  readFile,
  open,
}: OpenFittingOptions<Backend>): Promise<Backend> {
  const tryOne = async (variant: SpaceFileVariant): Promise<Backend> => {
    const graph = await readFile(variant.graphs.fast);
    const { needed, longestText } = wasmFit(folder, variant, graph);
    if (longestText === 0) throw new WasmMemoryError(variant.name, needed, WASM_MEMORY_LIMIT);
    return open({ variant, graph, longestText });
  };
  const wanted = chooseVariant(folder, name);
  try {
    return await tryOne(wanted);
  } catch (error) {
    if (name !== undefined || !(error instanceof WasmMemoryError)) throw error;
    for (const other of folder.file.variants) {
      if (other === wanted) continue;
      try {
        return await tryOne(other);
      } catch (cause) {
        error.cause ??= cause;
      }
    }
    throw error;
  }
}
