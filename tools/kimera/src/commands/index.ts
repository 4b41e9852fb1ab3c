import type { Command } from 'commander';
import type { CommandContext } from '../console/command-context.js';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Loads the command; only the one that is called is loaded. */
  readonly load: () => Promise<(context: CommandContext) => Command>;
}

/** Every command of the tool. A new one is a file and a row here. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'models',
    summary: 'list, pull, convert, distill, verify, inspect and time models',
    load: async () => (await import('./models/index.js')).modelsCommand,
  },
  {
    name: 'tokenize',
    summary: 'token ids of texts, one JSON line each',
    load: async () => (await import('./tokenize.js')).tokenizeCommand,
  },
  {
    name: 'embed',
    summary: 'vectors of texts, one JSON line each',
    load: async () => (await import('./embed.js')).embedCommand,
  },
  {
    name: 'similarity',
    summary: 'how close texts are to each other',
    load: async () => (await import('./similarity.js')).similarityCommand,
  },
  {
    name: 'migrate',
    summary: 'move a collection to another model, with proof and a way back',
    load: async () => (await import('./migrate/index.js')).migrateCommand,
  },
  {
    name: 'search',
    summary: 'the rows of a collection nearest to a query',
    load: async () => (await import('./search.js')).searchCommand,
  },
  {
    name: 'doctor',
    summary: 'what runs here, what does not, and what to do',
    load: async () => (await import('./doctor.js')).doctorCommand,
  },
  { name: 'serve', summary: 'the HTTP server', load: async () => (await import('./serve.js')).serveCommand },
];
