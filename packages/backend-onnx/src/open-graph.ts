import { Int8SaturationError, reasonOf } from '@kimera/core';
import { checkGraph, checkInt8, FastGraph, ModelLoadError } from '@kimera/fast-graph';
import { type GraphOptions, nativeBackendName, type PackedGraph, SESSION, type WorkerData } from './graph-options.js';
import { openNativeSession, type NativeSession } from './native-session.js';
import { identityOf } from './packed/files.js';

/**
 * A thread of a session that has nothing to do looks for work for this long before it sleeps. To wake one takes as long
 * as an operator of a short text; a longer look takes the processor from others
 * (docs/decisions/2026-11-30-one-text.md).
 */
const SPIN_MICROSECONDS = 20;

export interface OpenGraph {
  readonly graph: FastGraph;
  readonly session: NativeSession;
}

/** @throws ModelLoadError, Int8SaturationError. */
export async function openGraph(options: GraphOptions): Promise<OpenGraph> {
  const graphPath = await exactGraph(options);
  const session = await openSession(graphPath, options);
  return { graph: new FastGraph(session, graphPath, options.heads), session };
}

/** @throws ModelLoadError, also where its files are not those that were checked; Int8SaturationError. */
export async function openPackedGraph(options: GraphOptions, packed: PackedGraph): Promise<OpenGraph> {
  const { path, source, identity } = packed;
  if (sourceOf(await exactGraph(options), options) !== source)
    throw new ModelLoadError(path, `it was made from the ${source} graph, which does not serve here`);
  const now = await identityOf(path).catch(reasonOf);
  if (now !== identity) throw new ModelLoadError(path, 'its files are not those that were checked');
  const session = await openSession(path, options);
  return { graph: new FastGraph(session, path, options.heads), session };
}

/** A graph that is what it is to serve: its probes hold. @throws as openGraph, openPackedGraph, ProbeMismatchError. */
export async function openCheckedGraph(
  { graph: options, served }: WorkerData,
  packed?: PackedGraph,
): Promise<OpenGraph> {
  const open = await (packed === undefined ? openGraph(options) : openPackedGraph(options, packed));
  try {
    await checkGraph(nativeBackendName(options.executionProvider), open.graph, served);
    return open;
  } catch (error) {
    await open.session.release();
    throw error;
  }
}

/**
 * Writes the graph that serves here with its weights packed. @param weightsFile name of the file beside it.
 * @throws ModelLoadError, Int8SaturationError.
 */
export async function savePackedGraph(
  options: GraphOptions,
  path: string,
  weightsFile: string,
): Promise<PackedGraph['source']> {
  const graphPath = await exactGraph(options);
  const session = await openSession(graphPath, options, {
    optimizedModelFilePath: path,
    session: {
      save_external_prepacked_constant_initializers: '1',
      optimized_model_external_initializers_file_name: weightsFile,
      optimized_model_external_initializers_min_size_in_bytes: '1024',
    },
  });
  await session.release();
  return sourceOf(graphPath, options);
}

function sourceOf(graphPath: string, { unsignedPath }: GraphOptions): PackedGraph['source'] {
  return graphPath === unsignedPath ? 'unsigned' : 'fast';
}

function openSession(
  path: string,
  { intraOpThreads, weights, executionProvider }: GraphOptions,
  saving: { readonly optimizedModelFilePath?: string; readonly session?: Readonly<Record<string, string>> } = {},
): Promise<NativeSession> {
  const { session, ...saved } = saving;
  return open(path, {
    ...SESSION,
    ...saved,
    executionProviders: [executionProvider],
    intraOpNumThreads: intraOpThreads,
    extra: {
      session: {
        // No thread spins between two runs: an idle server takes no processor time.
        force_spinning_stop: '1',
        intra_op: { allow_spinning: '1', spin_duration_us: String(SPIN_MICROSECONDS) },
        set_denormal_as_zero: '1',
        ...(weights === 'mapped' ? { disable_prepacking: '1' } : {}),
        ...session,
      },
    },
  });
}

/** The fast graph, or where its products saturate that with unsigned weights. @throws Int8SaturationError. */
async function exactGraph({ graphPath, selfTestPath, unsignedPath }: GraphOptions): Promise<string> {
  if (selfTestPath === undefined) return graphPath;
  const selfTest = await open(selfTestPath, { intraOpNumThreads: 1 });
  try {
    await checkInt8(selfTest, selfTestPath);
    return graphPath;
  } catch (error) {
    if (unsignedPath === undefined || !(error instanceof Int8SaturationError)) throw error;
    return unsignedPath;
  } finally {
    await selfTest.release();
  }
}

function open(path: string, options: Parameters<typeof openNativeSession>[1]): Promise<NativeSession> {
  return openNativeSession(path, options).catch((error: unknown) => {
    throw new ModelLoadError(path, reasonOf(error));
  });
}
