import { fileURLToPath } from 'node:url';
import type { VariantName } from '@kimera/core';
import type { Cell, CellModel } from './cells.js';
import type { PeerCommand } from './peer-process.js';
import type { Models } from './models.js';
import type { Peers } from './peers.js';
import { infinityServer, kimeraServer, type StartServer } from './servers.js';

/** What is measured side by side. */
export interface System {
  /** As `--systems` takes it. */
  readonly name: string;
  readonly title: string;
  readonly models: readonly CellModel[];
  /** How it is started as a library. @throws MissingSystemError. */
  readonly library?: (context: SystemContext) => Promise<PeerCommand> | PeerCommand;
  /** How it is started as a server. @throws MissingSystemError. */
  readonly server?: (context: SystemContext) => Promise<StartServer> | StartServer;
}

export interface SystemContext {
  readonly cell: Cell;
  readonly models: Models;
  readonly peers: Peers;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const BOTH: readonly CellModel[] = ['minilm', 'large'];

export const SYSTEMS: readonly System[] = [
  {
    name: 'st-fp32',
    title: 'sentence-transformers, PyTorch fp32',
    models: BOTH,
    library: (context) => sentenceTransformers(context, { dtype: 'float32' }),
  },
  {
    name: 'st-bf16',
    title: 'sentence-transformers, PyTorch bf16',
    models: BOTH,
    library: (context) => sentenceTransformers(context, { dtype: 'bfloat16' }),
  },
  {
    name: 'st-onnx-fp32',
    title: 'sentence-transformers, ONNX fp32',
    models: ['minilm'],
    library: async (context) => {
      const { folder, files } = await context.models.exported(context.peers);
      return sentenceTransformers(context, { model: folder, backend: 'onnx', file: files.fp32 });
    },
  },
  {
    name: 'st-onnx-int8',
    title: 'sentence-transformers, ONNX int8',
    models: ['minilm'],
    library: async (context) => {
      const { folder, files } = await context.models.exported(context.peers);
      return sentenceTransformers(context, { model: folder, backend: 'onnx', file: files.int8 });
    },
  },
  {
    name: 'fastembed',
    title: 'fastembed, ONNX fp32',
    models: ['minilm'],
    library: async ({ models, peers }) => ({
      program: peers.python('fastembed'),
      words: [
        here('../peers/encode.py'),
        JSON.stringify({
          library: 'fastembed',
          name: 'sentence-transformers/all-MiniLM-L6-v2',
          model: await models.forFastembed(peers),
        }),
      ],
    }),
  },
  {
    name: 'transformers-js',
    title: 'transformers.js, ONNX fp32',
    models: ['minilm'],
    library: async ({ models, peers }) => ({
      program: process.execPath,
      words: [
        here('../peers/encode-transformers-js.mjs'),
        JSON.stringify({ home: peers.home('transformers-js'), model: (await models.exported(peers)).folder }),
      ],
    }),
  },
  llamaCpp('f32', 'fp32'),
  llamaCpp('q8_0', 'int8'),
  {
    name: 'infinity',
    title: 'Infinity, PyTorch fp32',
    models: ['minilm'],
    server: ({ models, peers }) => infinityServer(peers.program('infinity'), models.checkpoint('minilm')),
  },
  kimera('fp32'),
  kimera('int8'),
  {
    name: 'migration-fp32',
    title: 'Kimera, fp32, a migration on the embedded database',
    models: [],
    library: async ({ cell, models }) => ({
      program: process.execPath,
      words: [
        here('../peers/migrate-kimera.mjs'),
        JSON.stringify({ model: await models.converted(cell.model), variant: 'fp32' }),
      ],
    }),
  },
];

function kimera(variant: VariantName): System {
  return {
    name: `kimera-${variant}`,
    title: `Kimera, ${variant}`,
    models: BOTH,
    library: async ({ cell, models }) => ({
      program: process.execPath,
      words: [
        here('../peers/encode-kimera.mjs'),
        JSON.stringify({
          model: await models.converted(cell.model),
          variant,
          cache: models.packedWeights,
          ...(cell.kind === 'bulk' && cell.heads !== undefined ? { heads: cell.heads } : {}),
        }),
      ],
    }),
    server: async ({ cell, models }) =>
      kimeraServer(await models.converted(cell.model), {
        variant,
        cacheMegabytes: cell.kind === 'http' && cell.known === true ? 64 : 0,
      }),
  };
}

function llamaCpp(kind: 'f32' | 'q8_0', precision: string): System {
  return {
    name: `llama-cpp-${precision}`,
    title: `llama.cpp (node-llama-cpp), ${kind}`,
    models: ['minilm'],
    library: async ({ models, peers }) => ({
      program: process.execPath,
      words: [
        here('../peers/encode-llama-cpp.mjs'),
        JSON.stringify({
          home: peers.home('node-llama-cpp'),
          version: peers.versions('node-llama-cpp')['node-llama-cpp'],
          model: await models.gguf(peers, kind),
        }),
      ],
    }),
  };
}

function sentenceTransformers(
  { cell, models, peers }: SystemContext,
  options: Readonly<Record<string, string>>,
): PeerCommand {
  return {
    program: peers.python('sentence-transformers'),
    words: [
      here('../peers/encode.py'),
      JSON.stringify({ library: 'sentence-transformers', model: models.checkpoint(cell.model), ...options }),
    ],
  };
}

/** Whether a cell is about what the system can do. */
export function takesPart({ name, library, server, models }: System, cell: Cell): boolean {
  if (cell.systems !== undefined) return cell.systems.includes(name);
  return models.includes(cell.model) && (cell.kind === 'http' ? server : library) !== undefined;
}
