import type { MigrationEvent } from '@kimera/core';
import { printable } from '../../console/printable.js';
import { cell, formatTable } from '../../console/table.js';

/** The log, a line an event. */
export function formatTableOfEvents(events: readonly MigrationEvent[]): string {
  const figures = (event: MigrationEvent): string =>
    Object.entries(event.figures)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ');
  return formatTable(
    ['AT', 'EVENT', 'STATE', 'BY', 'FIGURES'],
    events.map((event) => [event.at, event.event, event.state, printable(event.by), cell(figures(event), 100)]),
  );
}
