import type { InferenceBackend, VariantName } from '@kimera/core';
import type { ModelFolder } from '@kimera/model-folder';

/** Loads a variant of a folder for measuring, without checking its probes: they are what is measured. */
export type OpenBackend = (folder: ModelFolder, variant: VariantName) => Promise<InferenceBackend>;
