import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { VariantName } from '@kimera/core';
import { z } from 'zod';
import { startServerProcess } from '../start-server.js';
import { lastLines, MissingSystemError, OFFLINE } from './peer-process.js';

/** A server that answers OpenAI's embeddings route. */
export interface RunningServer {
  /** Of the route. */
  readonly url: string;
  /** What its requests name. */
  readonly model: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** @throws MissingSystemError where it does not start. */
export type StartServer = () => Promise<RunningServer>;

/** Seconds until Infinity must answer: it loads PyTorch and warms up. */
const START_SECONDS = 600;

/** The server of this repository on a folder, on the native backend. @param cacheMegabytes for texts that come again. */
export function kimeraServer(
  modelPath: string,
  { variant, cacheMegabytes }: { readonly variant: VariantName; readonly cacheMegabytes: number },
): StartServer {
  return async () => {
    const server = await startServerProcess({
      ONNX_MODEL_PATH: modelPath,
      KIMERA_VARIANT: variant,
      EMBEDDING_CACHE_MB: String(cacheMegabytes),
    }).catch((error: unknown) => {
      throw new MissingSystemError(String(error).slice(-400));
    });
    const health = healthSchema.parse(await (await fetch(`${server.url}/health`)).json());
    if (health.backend !== 'onnx') {
      await server.stop();
      throw new MissingSystemError(`the native backend does not serve ${variant} on this processor`);
    }
    return { url: `${server.url}/v1/embeddings`, model: health.model, pid: server.pid, stop: () => server.stop() };
  };
}
const healthSchema = z.object({ model: z.string(), backend: z.string() });

/** @param program infinity_emb of its environment. */
export function infinityServer(program: string, checkpoint: string): StartServer {
  return async () => {
    const port = await freePort();
    const words = ['v2', '--model-id', checkpoint, '--served-model-name', 'minilm', '--engine', 'torch'];
    const child = spawn(
      program,
      [
        ...words,
        '--device',
        'cpu',
        '--dtype',
        'float32',
        '--url-prefix',
        '/v1',
        '--host',
        '127.0.0.1',
        '--port',
        String(port),
      ],
      { env: { ...process.env, ...OFFLINE }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const errors = lastLines(child.stderr);
    const ended = once(child, 'exit').catch(() => undefined);
    const stop = async (): Promise<void> => {
      child.kill('SIGKILL');
      await ended;
    };
    const url = `http://127.0.0.1:${port}/v1`;
    for (let second = 0; second < START_SECONDS; second++) {
      if (child.exitCode !== null || child.pid === undefined) throw new MissingSystemError(errors() || 'it ended');
      const answer = await fetch(`${url}/models`).catch(() => undefined);
      if (answer?.ok === true) return { url: `${url}/embeddings`, model: 'minilm', pid: child.pid, stop };
      await pause(1_000);
    }
    await stop();
    throw new MissingSystemError(`it did not answer within ${START_SECONDS} s: ${errors()}`);
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
