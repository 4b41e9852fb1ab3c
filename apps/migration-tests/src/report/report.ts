import type { Verification } from '@kimera/migration';
import type { CheckResult } from '../checks.js';
import type { BackendKilledReport } from '../scenarios/backend-killed.js';
import type { CellResult } from '../scenarios/configuration.js';
import type { JourneyReport } from '../scenarios/journey.js';
import type { Speed } from '../speed.js';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
  /** Versions of what the figures depend on. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Everything that a run of the migration tests has found; report.json. */
export interface Report {
  readonly schema: 'kimera-migration-tests/1';
  readonly date: string;
  readonly command: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly passed: number;
  readonly failed: number;
  readonly checks: readonly CheckResult[];
  readonly models: readonly {
    readonly modelId: string;
    readonly space: string;
    readonly variant: string;
    readonly dimension: number;
    readonly maxTokens: number;
    readonly speed: Speed;
  }[];
  /** The configuration modes, each with what came of it. */
  readonly modes: readonly CellResult[];
  readonly backendKilled: BackendKilledReport;
  readonly journey: JourneyReport;
  readonly reverse: Verification;
  readonly swap: Verification;
  readonly cranfield: Verification | null;
}
