import type { PackedWeightsEvent } from '@kimera/backend-onnx';
import type { EventLog } from './log-fallback.js';

/** One line for each event. Only weights that were there and did not hold are a warning. */
export function logPackedWeights(logger: EventLog, event: PackedWeightsEvent): void {
  const { kind } = event;
  switch (kind) {
    case 'written':
      logger.info({ path: event.path }, 'packed weights are written: sessions share them');
      return;
    case 'refused':
      logger.warn(
        { path: event.path, reason: event.reason },
        `packed weights do not hold: ${event.reason}; they are removed and made again`,
      );
      return;
    case 'unavailable':
      logger.info({ reason: event.reason }, `packed weights are not kept: ${event.reason}`);
      return;
    default:
      kind satisfies never;
  }
}
