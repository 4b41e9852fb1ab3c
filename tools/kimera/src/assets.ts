import { fileURLToPath } from 'node:url';

/** Files of this package that are not code: named from here, where the same path holds in `src` and in `dist`. */
export const PACKAGE_FILE = fileURLToPath(new URL('../package.json', import.meta.url));
/** The program, for what needs a process of its own. */
export const TOOL_FILE = fileURLToPath(new URL('../bin/kimera.mjs', import.meta.url));
/** PROVENANCE.md beside the file. */
export const PUBLISHED_PINS = fileURLToPath(new URL('../assets/published-file-pins.json', import.meta.url));
/** Published facts of BAAI/bge-m3; PROVENANCE.md beside the file. */
export const BGE_M3_FACTS = fileURLToPath(new URL('../assets/bge-m3-facts.json', import.meta.url));
