import type { MigrationEvent } from '@kimera/core';

/** Whose searches use the new space. */
export interface MovedTenants {
  readonly of: 'nobody' | 'some tenants' | 'all but some' | 'everybody';
  /** The `some`, sorted; else empty. */
  readonly tenants: readonly string[];
}

/** From the log, which every switch writes in its transaction. */
export function movedTenants(events: readonly MigrationEvent[]): MovedTenants {
  let everybody = false;
  const others = new Set<string>();
  for (const { event, figures } of events) {
    if (event !== 'cutover' && event !== 'rollback') continue;
    const isMoved = event === 'cutover';
    const named = figures['tenants'];
    if (!Array.isArray(named)) {
      everybody = isMoved;
      others.clear();
      continue;
    }
    for (const tenant of named.map(String)) {
      if (isMoved === everybody) others.delete(tenant);
      else others.add(tenant);
    }
  }
  const tenants = [...others].sort();
  if (everybody) return { of: tenants.length === 0 ? 'everybody' : 'all but some', tenants };
  return { of: tenants.length === 0 ? 'nobody' : 'some tenants', tenants };
}

export const isSplit = ({ tenants }: MovedTenants): boolean => tenants.length > 0;
