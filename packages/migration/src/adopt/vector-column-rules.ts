import type { MigrationState, VectorColumnWriter } from '@kimera/core';

/** What happens where the application writes its vector column, in a state of the migration. */
export interface VectorColumnRules {
  readonly insert: string;
  readonly update: string;
}

const APPLICATION_STORES =
  'stored as your application writes it and counted (it shows that the application still writes)';

/**
 * What INSERT and UPDATE of the application's vector column do. Changes of the text are queued in every state. @param
 * state null: no migration, or a retired one.
 */
export function vectorColumnRules(
  writer: VectorColumnWriter,
  column: string,
  state: MigrationState | null,
): VectorColumnRules {
  if (writer === 'application') {
    const beside = isCutOver(state)
      ? `${column} stays in the old space, searches through kimera use the new one`
      : `searches through kimera use kimera's own vectors`;
    return {
      insert: `${APPLICATION_STORES}; kimera embeds the new row for itself; ${beside}`,
      update: `${APPLICATION_STORES}; kimera never changes ${column}; an in-place cutover is refused while this goes on`,
    };
  }
  const space = isCutOver(state) ? 'the new space' : 'the present space';
  return {
    insert: `leave ${column} out (NULL): the keeper embeds the row in ${space}; a value that your application sets is counted and not used`,
    update: `set the text alone: the keeper embeds it anew in ${space}; a value that your application sets is counted and not used`,
  };
}

function isCutOver(state: MigrationState | null): boolean {
  return state === 'cut-over';
}
