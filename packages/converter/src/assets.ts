import { fileURLToPath } from 'node:url';

/** Files of this package that are data: named from here, where the same path holds in `src` and in `dist`. */
export const CALIBRATION_FOLDER = fileURLToPath(new URL('../calibration/', import.meta.url));
/** Facts of BAAI/bge-m3 (PROVENANCE.md beside the file). */
export const BGE_M3_FACTS = fileURLToPath(new URL('../published/bge-m3.json', import.meta.url));
