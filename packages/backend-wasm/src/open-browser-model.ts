import { type BatchTokenizer, type InferenceBackend, type VariantName, reasonOf } from '@kimera/core';
import { checkGraph, checkInt8, FastGraph, ModelLoadError, SessionRunner } from '@kimera/fast-graph';
import { fetchModelFolder, type FetchedModelFolder, type Probe } from '@kimera/model-folder/pure';
import { inlineTokenizer, parseTokenizer } from '@kimera/tokenizers/pure';
import * as runtime from 'onnxruntime-web/wasm';
import { openFitting } from './open-fitting.js';
import { WasmGraphBackend } from './wasm-graph-backend.js';
import { openWebSession, type WebSession } from './web-session.js';
import { weightFiles } from './weight-files.js';

export interface BrowserModelOptions {
  /** Of the model folder. */
  readonly url: string | URL;
  /**
   * ServedVariant or refused. Where absent: the folder's first, or, if that does not fit into WebAssembly, another of the same
   * space that does and holds.
   */
  readonly variant?: VariantName;
  /**
   * URLs of `ort-wasm-simd-threaded.mjs` and `.wasm` of onnxruntime-web, from the page's own server. The first model of
   * a page decides.
   */
  readonly runtimeFiles: { readonly mjs: string; readonly wasm: string };
  /**
   * Default: half the processors, four at most, where the page is cross-origin isolated (COOP and COEP); otherwise 1.
   * The first model of a page decides.
   */
  readonly threads?: number;
}

/** A model folder in a browser: what an Embedder is made of. */
export interface BrowserModel {
  readonly folder: FetchedModelFolder;
  readonly backend: InferenceBackend;
  readonly tokenizer: BatchTokenizer;
  readonly probes: readonly Probe[];
}

/**
 * Fetches a model folder, checks its hashes, and runs its probes. It all happens on the calling thread: in a page, call
 * it in a worker.
 * @throws ModelFolderNotFoundError, InvalidSpaceFileError, ModelFileMissingError, ModelFileSizeError,
 * ModelFileHashError, InvalidTokenizerError, WasmMemoryError, ModelLoadError, Int8SaturationError, ProbeMismatchError,
 * UnknownVariantError.
 */
export async function openBrowserModel({
  url,
  variant,
  runtimeFiles,
  threads,
}: BrowserModelOptions): Promise<BrowserModel> {
  runtime.env.wasm.wasmPaths = runtimeFiles;
  if (threads !== undefined) runtime.env.wasm.numThreads = threads;
  const folder = await fetchModelFolder(url);
  const tokenizer = parseTokenizer(
    new TextDecoder().decode(await folder.read('tokenizer.json')),
    new URL('tokenizer.json', folder.path).href,
  );
  const backend = await openFitting({
    folder,
    variant,
    readFile: (name) => folder.read(name),
    open: async ({ variant: fitting, graph, longestText }) => {
      const { fast, selfTest } = fitting.graphs;
      if (selfTest !== undefined) {
        const session = await open(selfTest, await folder.read(selfTest), []);
        await checkInt8(session, new URL(selfTest, folder.path).href);
        await session.release();
      }
      const session = await open(fast, graph, weightFiles(graph, fast, folder.file.files));
      const fastGraph = new FastGraph(session, new URL(fast, folder.path).href, folder.space.heads);
      await checkGraph('wasm', fastGraph, { folder, variant: fitting });
      const runner = new SessionRunner('wasm', fastGraph, () => session.release());
      return new WasmGraphBackend({ folder, variant: fitting, runner, longestText });
    },
  });
  return { folder, backend, tokenizer: inlineTokenizer(tokenizer), probes: folder.probes };

  async function open(name: string, graph: Uint8Array, weights: readonly string[]): Promise<WebSession> {
    const externalData = await Promise.all(
      weights.map(async (file) => ({ path: file.slice(file.lastIndexOf('/') + 1), data: await folder.read(file) })),
    );
    return openWebSession(runtime, graph, externalData).catch((error: unknown) => {
      throw new ModelLoadError(new URL(name, folder.path).href, reasonOf(error));
    });
  }
}
