import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './models.js';

/** The page of the last run becomes docs/migration-summary.md: `npx nx run migration-tests:summary`. */
await copyFile(join(ROOT, 'reports/migration-tests/summary.md'), join(ROOT, 'docs/migration-summary.md'));
