import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { tokenBatch } from '@kimera/core';
import { chooseVariant, openModelFolder } from '@kimera/model-folder';
import { GraphBackend, type GraphRunner } from './graph-backend.js';
import type { RunRequest, RunResponse } from './run-request.js';

const TINY = join(fileURLToPath(import.meta.url), '../../../../fixtures/models/bge-m3-tiny');

it('sessions say how many tokens a run has: each text is in one, and a longer one is alone', async () => {
  const folder = await openModelFolder(TINY);
  const { dimension } = folder.space;
  const runs: RunRequest[] = [];
  const runner: GraphRunner = {
    call: async (requests) => {
      runs.push(...requests);
      return requests.map(({ ids, groups }): RunResponse => ({
        // The first number of each text's vector is its first token.
        dense: Float32Array.from(
          groups.flatMap(({ texts, tokens }) =>
            Array.from({ length: texts * dimension }, (_, i) =>
              i % dimension === 0 ? (ids[(i / dimension) * tokens] ?? 0) : 0,
            ),
          ),
        ),
      }));
    },
    sessionsOf: () => ({ runner, parallel: 2, tokensOfARun: 10 }),
    close: async () => undefined,
  };
  const backend = new GraphBackend({
    name: 'fake',
    folder,
    variant: chooseVariant(folder),
    runner,
    tokensOfARun: 1_000,
    lengths: 'equal',
  });
  const texts = [4, 4, 12, 4, 4, 4, 4].map((tokens, i) => [5 + i, ...Array.from({ length: tokens - 1 }, () => 3)]);
  const { dense = new Float32Array() } = await backend.run(tokenBatch(texts), { heads: ['dense'] });
  expect(texts.map((_, i) => dense[i * dimension])).toEqual(texts.map(([first]) => first));
  expect(runs.map(({ ids }) => ids.length).sort((a, b) => b - a)).toEqual([12, 8, 8, 8]);
});
