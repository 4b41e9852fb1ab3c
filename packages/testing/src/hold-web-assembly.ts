import { readFile } from 'node:fs/promises';

/** What is needed of it: the types of the language without those of browsers have no WebAssembly. */
interface WebAssemblyPort {
  readonly compile: (bytes: Uint8Array) => Promise<object>;
}

/** A compiled module, as long as it is held. */
export interface HeldWebAssembly {
  release(): void;
}

/**
 * Compiles a file of WebAssembly and holds the code: V8 gives it to each thread that loads the same bytes, which saves
 * seconds for each backend that a spec opens on ONNX Runtime's.
 */
export async function holdWebAssembly(path: string): Promise<HeldWebAssembly> {
  const { compile } = Reflect.get(globalThis, 'WebAssembly') as WebAssemblyPort;
  const held = [await compile(await readFile(path))];
  return { release: () => void held.splice(0) };
}
