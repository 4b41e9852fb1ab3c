import type { CollectionSearch } from '@kimera/core';
import type { ApiKey, NamedModels, ServiceLimits, ServingModels, WebSettings } from '@kimera/serving';
import type { Logger } from 'pino';
import type { ServerKeeper } from './keeper.js';
import type { Telemetry } from './telemetry.js';

/** What the routes work with. */
export interface AppParts {
  readonly models: ServingModels;
  /** By the name in a request: of a model, or of a collection. */
  readonly names: NamedModels;
  /** Undefined: the server has no database. */
  readonly collections: CollectionSearch | undefined;
  /** Undefined: the server keeps no collection current. */
  readonly keeper?: Pick<ServerKeeper, 'lag' | 'rows' | 'isAway'> | undefined;
  readonly apiKeys: readonly ApiKey[];
  readonly openMetrics: boolean;
  /** Makes a span of each request; undefined: there are none. */
  readonly telemetry?: Pick<Telemetry, 'middleware'> | undefined;
  readonly web: WebSettings;
  readonly autoTruncate: boolean;
  /** Tokens of an input at most; the model's limit where undefined. */
  readonly maxInputTokens: number | undefined;
  readonly bodyLimitBytes: number;
  readonly limits: ServiceLimits & { readonly batchTokens: number };
  readonly logger: Logger;
  readonly version: string;
  /** Unix seconds. */
  readonly started: number;
}
