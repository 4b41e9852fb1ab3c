import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Programs of this project, as built, that scenarios start in processes of their own. */
export const MEASURE_MODEL = here('../dist/measure-model.js');
export const OWNER = here('../dist/owner.js');
export const RUN_CELLS = here('../dist/run-cells.js');
/** Required in every thread and child of a process: onnxruntime-node is not there. */
export const WITHOUT_NATIVE = here('../without-native.cjs');
