import { readdirSync } from 'node:fs';
import { z } from 'zod';

/** Descriptors beside those in use and the connections: files that are read, and the database. */
const RESERVE = 64;

const reportSchema = z.object({
  userLimits: z.object({ open_files: z.object({ soft: z.union([z.number(), z.string()]) }) }),
});

/**
 * Connections that the system gives this process at most: beyond its descriptors it would close new ones without a
 * word. Infinity where the system does not tell.
 */
export function connectionsAtMost(): number {
  const parsed = reportSchema.safeParse(process.report.getReport());
  const soft = parsed.success ? Number(parsed.data.userLimits.open_files.soft) : Number.NaN;
  return Number.isFinite(soft) ? Math.max(1, Math.floor(soft - openDescriptors() - RESERVE)) : Number.POSITIVE_INFINITY;
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
