import { BGE_M3_FACTS } from '../assets.js';

export { BGE_M3_FACTS };

/** Model id → file of the facts that come with this package. */
const BUILT_IN_FACTS: ReadonlyMap<string, string> = new Map([['BAAI/bge-m3', BGE_M3_FACTS]]);

/** Path of the facts of a model by its exact id, or undefined. */
export function builtInFacts(modelId: string): string | undefined {
  return BUILT_IN_FACTS.get(modelId);
}
