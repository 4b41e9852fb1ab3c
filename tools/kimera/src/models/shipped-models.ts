import { fileURLToPath } from 'node:url';

/** Folder of the models that come with Kimera. */
export const SHIPPED_MODELS = fileURLToPath(new URL('../../../../models', import.meta.url));
