import { readFileSync } from 'node:fs';
import { shortFingerprint } from '@kimera/core';
import { DEFAULT_BATCH_TOKENS } from '@kimera/embedder';
import type { Configuration } from '@kimera/serving';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { AppParts } from './app-parts.js';
import { createApp } from './app.js';
import { StoredCollections } from './collections/stored-collections.js';
import { closeServer } from './http/sockets/close-server.js';
import { createHttpServer } from './http/sockets/http-server.js';
import { ServerKeeper } from './keeper.js';
import { listen } from './listen.js';
import { createLogger } from './logger.js';
import { createMetrics } from './metrics.js';
import { openTelemetry } from './telemetry.js';
import { openServerModels } from './server-models.js';

export interface RunningServer {
  readonly url: string;
  /**
   * Stops accepting, answers what was accepted, closes the model, within `SHUTDOWN_SECONDS` and the time of one run of the
   * model. Clients that send or read no further are cut off after `CLIENT_MILLISECONDS` (http/limits.ts); what is not
   * answered in time gets 503. Idempotent.
   */
  close(): Promise<void>;
}

/** Opens the model, checks its probes, and listens. @throws the model's errors, AddressError, DatabaseAddressError. */
export async function startServer(
  configuration: Configuration,
  logger: Logger = createLogger(),
): Promise<RunningServer> {
  const { apiKeys, autoTruncate, maxInputTokens, bodyLimitBytes, limits, host, port } = configuration;
  const collections =
    configuration.database === undefined ? undefined : await StoredCollections.at(configuration.database);
  logger.info({ settings: withoutSecrets(configuration) }, 'settings');
  const { models, names, openSpace, close: closeModels } = await openServerModels(configuration, collections, logger);
  const telemetry =
    configuration.traceEndpoint === undefined ? undefined : await openTelemetry(configuration.traceEndpoint);
  const keeper =
    collections === undefined || !configuration.keep
      ? undefined
      : new ServerKeeper({
          collections,
          modelShare: configuration.keepModelShare,
          // A model that is replaced would be closed under its work.
          served: configuration.modelReload === 'off' ? models.all : [],
          openModel: openSpace,
          logger,
        });
  const closeParts = async (): Promise<void> => {
    // It works with the models.
    await keeper?.close();
    await Promise.all([closeModels(), collections?.close(), telemetry?.close()]);
  };
  try {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')));
    const metrics = createMetrics(() => names.all, keeper);
    const parts: AppParts = {
      models,
      names,
      collections,
      keeper,
      apiKeys,
      openMetrics: configuration.openMetrics,
      telemetry,
      web: configuration.web,
      autoTruncate,
      maxInputTokens,
      bodyLimitBytes,
      limits: { ...limits, batchTokens: configuration.batchTokens ?? DEFAULT_BATCH_TOKENS },
      logger,
      version,
      started: Math.floor(Date.now() / 1000),
    };
    const { server, connections } = createHttpServer(createApp(parts, metrics), {
      limits,
      corsOrigins: parts.web.corsOrigins,
      metrics,
      logger,
    });
    const url = await listen(server, host, port);
    const health = models.health();
    const { modelId, fingerprint, dimension } = (health.status === 'unavailable' ? models.usual : health.embedder)
      .space;
    logger.info(
      { url, model: modelId, space: shortFingerprint(fingerprint), dimension, status: health.status },
      `listening on ${url}`,
    );
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      const graceMilliseconds = limits.shutdownSeconds * 1_000;
      const outcome = await closeServer(server, connections, { graceMilliseconds });
      // What is not computed yet gets its 503.
      if (outcome === 'late') await closeModels();
      await closeParts();
      connections.closeAll();
    };
    return { url, close: () => (closing ??= close()) };
  } catch (error) {
    await closeParts();
    throw error;
  }
}

/** For the log: the number of keys, and that there is a database. */
function withoutSecrets({ apiKeys, database, aliases, ...others }: Configuration): object {
  return {
    ...others,
    apiKeys: apiKeys.length,
    database: database === undefined ? undefined : '(set)',
    aliases: Object.fromEntries(aliases),
  };
}
