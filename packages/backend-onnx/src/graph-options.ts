import { join } from 'node:path';
import type { Head } from '@kimera/core';
import type { ModelFolder, SpaceFileVariant } from '@kimera/model-folder';
import type { ExecutionProvider } from './execution-providers.js';

/** How a graph is run. */
export interface SessionOptions {
  readonly intraOpThreads: number;
  /**
   * `packed`: copied into the form that products are fastest in. `mapped`: read where the file is mapped, slower, in a
   * fraction of the memory and of
   * the time to load.
   */
  readonly weights: 'packed' | 'mapped';
  readonly executionProvider: ExecutionProvider;
}

/** What a session is opened for. */
export interface GraphOptions extends SessionOptions {
  /** Of the fast graph. */
  readonly graphPath: string;
  /** Graph that tells whether this processor can run the variant. */
  readonly selfTestPath?: string;
  /** What the graph must be able to compute. */
  readonly heads: readonly Head[];
}

export function graphOptions(
  folder: ModelFolder,
  { graphs: { fast, selfTest } }: SpaceFileVariant,
  session: SessionOptions,
): GraphOptions {
  return {
    ...session,
    graphPath: join(folder.path, fast),
    heads: folder.space.heads,
    ...(selfTest === undefined ? {} : { selfTestPath: join(folder.path, selfTest) }),
  };
}
