import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { shortFingerprint } from '@kimera/core';
import { openModels, type Configuration } from '@kimera/serving';
import type { Logger } from 'pino';
import { z } from 'zod';
import { createApp } from './app.js';
import { closeServer } from './http/close-server.js';
import { Connections } from './http/connections.js';
import { listen } from './listen.js';
import { createLogger } from './logger.js';

export interface RunningServer {
  readonly url: string;
  /**
   * Stops accepting, answers what was accepted, closes the model. Clients that send or read no further are cut off
   * after `SHUTDOWN_GRACE_MILLISECONDS` (http/limits.ts). Idempotent.
   */
  close(): Promise<void>;
}

/** Opens the model, checks its probes, and listens. @throws the model's errors, AddressError. */
export async function startServer(
  configuration: Configuration,
  logger: Logger = createLogger(),
): Promise<RunningServer> {
  const { apiKeys, autoTruncate, maxInputTokens, bodyLimitBytes, host, port } = configuration;
  const models = await openModels(configuration, logger);
  try {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')));
    const app = createApp({
      models,
      apiKeys,
      autoTruncate,
      maxInputTokens,
      bodyLimitBytes,
      logger,
      version,
      started: Math.floor(Date.now() / 1000),
    });
    const server = createServer(app);
    const connections = new Connections(server);
    await listen(server, host, port);
    const address = server.address() as AddressInfo;
    const url = `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
    const health = models.health();
    const { modelId, fingerprint, dimension } = (health.status === 'unavailable' ? models.usual : health.embedder)
      .space;
    logger.info(
      { url, model: modelId, space: shortFingerprint(fingerprint), dimension, status: health.status },
      `listening on ${url}`,
    );
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await closeServer(server, connections);
      await models.close();
    };
    return { url, close: () => (closing ??= close()) };
  } catch (error) {
    await models.close();
    throw error;
  }
}
