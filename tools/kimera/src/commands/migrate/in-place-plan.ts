import { InPlaceColumnError, type Dependent, type EmbeddingSpace, type InPlacePlan } from '@kimera/core';
import type { PostgresStore } from '@kimera/store-postgres';
import { printable } from '../../console/printable.js';

/** What `migrate start --in-place` would do; null where the collection has no vector column that the keeper writes. */
export async function readInPlacePlan(
  store: PostgresStore,
  collection: string,
  target: EmbeddingSpace,
): Promise<InPlacePlan | null> {
  try {
    return await store.inPlace.planInPlace(collection, target);
  } catch (error) {
    if (error instanceof InPlaceColumnError) return null;
    throw error;
  }
}

/** For people, a line an object. */
export function inPlaceLines(plan: InPlacePlan): readonly string[] {
  const listed = (title: string, objects: readonly Dependent[]): readonly string[] =>
    objects.length === 0
      ? []
      : [
          `  ${title}:`,
          ...objects.map(({ kind, name, detail }) => `    ${printable(`${kind}:${name}`)} ${printable(detail)}`),
        ];
  return [
    `in place (migrate start --in-place): ${printable(plan.column)} of ${printable(plan.table)} goes from ${plan.type} to ${plan.newType}; until it is retired each row has both vectors, and is written once more`,
    ...listed('comes along', plan.moved),
    ...listed('to be accepted, with --accept', plan.toAccept),
    ...listed('in the way', plan.refused),
    ...plan.notes.map((note) => `  note: ${printable(note)}`),
  ];
}
