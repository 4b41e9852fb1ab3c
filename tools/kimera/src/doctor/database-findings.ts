import type { AddressSurroundings } from '@kimera/store-postgres';
import { describeError } from '../console/describe-error.js';
import type { Finding } from './finding.js';

/** Looked at, never changed. @param database as the store takes it. */
export async function databaseFindings(
  database: string,
  surroundings: AddressSurroundings,
): Promise<readonly Finding[]> {
  const { inspectDatabase } = await import('@kimera/store-postgres');
  const area = 'database';
  try {
    const found = await inspectDatabase(database, surroundings);
    if (found.kind === 'embedded') {
      const value = { absent: 'none yet', closed: 'there, not open', open: 'there, open in another process' }[
        found.state
      ];
      return [
        {
          area,
          what: 'embedded database',
          state: found.state === 'absent' ? 'note' : 'fine',
          value: `${value}: ${found.folder}`,
          ...(found.state === 'absent' ? { advice: '"kimera migrate init" makes one' } : {}),
        },
      ];
    }
    const { version, pgvector, isEncrypted, schema, knownSchema } = found;
    return [
      { area, what: 'PostgreSQL', state: 'fine', value: `${version}, ${isEncrypted ? 'encrypted' : 'not encrypted'}` },
      pgvector.isRecentEnough
        ? {
            area,
            what: 'pgvector',
            state: pgvector.notes.length === 0 ? 'fine' : 'note',
            value: `${pgvector.version ?? ''} (${pgvector.state})`,
            ...(pgvector.notes.length === 0 ? {} : { advice: pgvector.notes.join('; ') }),
          }
        : {
            area,
            what: 'pgvector',
            state: 'problem',
            value: pgvector.version === null ? 'absent' : `${pgvector.version} (${pgvector.state})`,
            advice: `install pgvector ${pgvector.least} or newer on the server`,
          },
      schema !== null && schema > knownSchema
        ? {
            area,
            what: 'tables',
            state: 'problem',
            value: `version ${schema}`,
            advice: `this program knows ${knownSchema}: use the newer one`,
          }
        : tablesFinding(schema, knownSchema),
    ];
  } catch (error) {
    return [
      {
        area,
        what: 'database',
        state: 'problem',
        value: describeError(error).message,
        advice: 'check DATABASE_URL, and that the server runs and lets this user in',
      },
    ];
  }
}

function tablesFinding(schema: number | null, knownSchema: number): Finding {
  const finding = { area: 'database', what: 'tables' } as const;
  if (schema === null)
    return {
      ...finding,
      state: 'problem',
      value: 'this role may not read them',
      advice: 'docs/servers.md lists the rights of each role',
    };
  return { ...finding, state: 'fine', value: schema === 0 ? 'none yet' : `version ${schema} of ${knownSchema}` };
}
