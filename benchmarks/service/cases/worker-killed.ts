import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { cosine } from '@kimera/core';
import { percentile, root } from '../../machine.js';
import { call } from '../client.js';
import { goldens, LEAST_COSINE, teiAnswer } from '../goldens.js';
import { finding, inTurns, milliseconds, type ServiceCase, withServer } from '../service-case.js';

const KILLS = 5;
const KILLED_CLIENTS = 16;

/** The thread of the model ends, as a crash of the runtime would end it, while clients send one request after the other. */
export const workerKilled: ServiceCase = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kimera-killed-'));
  const faults = join(folder, 'faults');
  writeFileSync(faults, '0');
  const dying = pathToFileURL(join(root, 'apps/api/src/dying-worker.fixture.mjs')).href;
  try {
    return await withServer(
      { EMBEDDING_CACHE_MB: '0', FAULTS_FILE: faults, NODE_OPTIONS: `--import=${dying}` },
      async ({ url }) => {
        let done = false;
        let wrong = 0;
        const failed: string[] = [];
        const times: number[] = [];
        const clients = Array.from({ length: KILLED_CLIENTS }, async (_, client) => {
          const agent = new Agent({ keepAlive: true, maxSockets: 1 });
          let turn = client;
          await inTurns(
            () => done,
            async () => {
              turn += 1;
              const golden = goldens[turn % goldens.length];
              const answer = await call(agent, `${url}/embed`, { inputs: golden?.text });
              times.push(answer.milliseconds);
              if (answer.status !== 200) failed.push(String(answer.status));
              else {
                const [vector = []] = teiAnswer.parse(JSON.parse(answer.body));
                if (!(cosine(vector, golden?.vector ?? []) >= LEAST_COSINE)) wrong += 1;
              }
            },
          ).catch((error: unknown) => void failed.push(String(error)));
          agent.destroy();
        });
        for (let kill = 0; kill < KILLS; kill += 1) {
          await pause(3_000);
          writeFileSync(faults, '1');
        }
        await pause(3_000);
        done = true;
        await Promise.all(clients);
        const left = Number(readFileSync(faults, 'utf8'));
        return [
          finding('threads that ended', String(KILLS - left), String(KILLS), left === 0),
          finding(
            `requests that failed, wrong vectors, of ${times.length}`,
            `${failed.length}, ${wrong}`,
            '0, 0',
            failed.length === 0 && wrong === 0,
          ),
          finding(
            'p50 and longest',
            `${milliseconds(percentile(times, 0.5))}, ${milliseconds(percentile(times, 1))}`,
            '',
            true,
          ),
        ];
      },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
};
