import type { GraphSession } from '@kimera/fast-graph';

/** The name of WebAssembly.RuntimeError. */
const TRAP = 'RuntimeError';

/**
 * A trap (an abort, memory used up) leaves WebAssembly in no known state: `end` ends the thread, so that another takes
 * its place.
 */
export function endingOnTrap(session: GraphSession, end: () => void): GraphSession {
  return {
    ...session,
    run: (feeds, outputs) =>
      session.run(feeds, outputs).catch((error: unknown) => {
        if (error instanceof Error && error.name === TRAP) end();
        throw error;
      }),
  };
}
