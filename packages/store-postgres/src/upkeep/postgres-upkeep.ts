import type { CollectionFault, CollectionUpkeep, Reconciliation } from '@kimera/core';
import type { Database } from '../sql/database.js';
import { readFaults } from './faults.js';
import { reconcile } from './reconcile.js';

export class PostgresUpkeep implements CollectionUpkeep {
  constructor(private readonly database: Database) {}

  faults(name: string): Promise<readonly CollectionFault[]> {
    return readFaults(this.database, name);
  }

  reconcile(name: string, signal?: AbortSignal): Promise<Reconciliation> {
    return reconcile(this.database, name, signal);
  }
}
