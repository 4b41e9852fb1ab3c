#!/usr/bin/env node
// Runs the TypeScript sources in this process: no child that signals, pipes and exit codes would have to be handed on
// to.
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { register as registerTypeScript } from 'tsx/esm/api';

// The caller's folder may hold a tsconfig.json of its own, which tsx would take.
process.env.TSX_TSCONFIG_PATH = fileURLToPath(new URL('../../../tsconfig.base.json', import.meta.url));
registerTypeScript();
// `--conditions=@kimera/source` for this process alone: packages resolve to their sources.
register(new URL('./source-condition.mjs', import.meta.url));
await import('../src/main.ts');
