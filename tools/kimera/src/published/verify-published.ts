import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KimeraError, type VariantName } from '@kimera/core';
import { chooseVariant, openModelFolder } from '@kimera/model-folder';
import type { OpenBackend } from '@kimera/converter';
import { compareFact } from './compare-fact.js';
import { factName, publishedText } from './fact-text.js';
import { FactTokenizers } from './fact-tokenizers.js';
import { PRECISION_ALLOWANCE } from './precision-allowance.js';
import type { FactSource, PublishedFacts } from './published-facts.js';
import type { PublishedRow } from './published-row.js';
import { TextOutputs } from './text-outputs.js';
import { tokenisationRows } from './tokenisation-rows.js';

export interface PublishedReport {
  /** The model that the facts are about. */
  readonly modelId: string;
  /** The folder's first. */
  readonly variant: VariantName;
  /** What a reader of the rows has to know, for people. */
  readonly notes: readonly string[];
  /** Where each group of facts comes from, and how far off its figures may be and why. */
  readonly sources: readonly FactSource[];
  readonly rows: readonly PublishedRow[];
}

export interface VerifyPublishedOptions {
  readonly folder: string;
  readonly facts: PublishedFacts;
  readonly openBackend: OpenBackend;
}

/**
 * Compares the first variant of a model folder with published facts; what a fact needs and the model lacks is a row
 * that does not hold. @throws what opening the folder throws.
 */
export async function verifyPublished({
  folder: path,
  facts,
  openBackend,
}: VerifyPublishedOptions): Promise<PublishedReport> {
  const folder = await openModelFolder(path);
  const { name: variant } = chooseVariant(folder);
  const tokenizerPath = join(path, 'tokenizer.json');
  const tokenizers = new FactTokenizers(await readFile(tokenizerPath, 'utf8'), tokenizerPath, folder.space.maxTokens);
  const allowance = PRECISION_ALLOWANCE[variant];
  const backend = await openBackend(folder, variant);
  try {
    const context = { outputs: new TextOutputs(backend, tokenizers), tokenizers };
    const rows: PublishedRow[] = [];
    for (const group of facts.groups) {
      for (const fact of group.facts) {
        if (fact.kind === 'tokens') continue;
        const tolerance = group.tolerance.value + (fact.kind === 'denseSum' ? allowance.sum : allowance.figure);
        const row = { group: group.name, fact: factName(fact), published: publishedText(fact, tolerance) };
        try {
          rows.push({ ...row, ...(await compareFact(fact, tolerance, context)) });
        } catch (error) {
          if (!(error instanceof KimeraError)) throw error;
          rows.push({ ...row, yours: error.message, holds: false });
        }
      }
      rows.push(...tokenisationRows(group, tokenizers));
    }
    const others = folder.file.variants.map(({ name }) => name).filter((name) => name !== variant);
    const notes = [
      ...(folder.space.modelId === facts.modelId
        ? []
        : [`the facts are about ${facts.modelId}; this folder calls itself ${folder.space.modelId}`]),
      ...(allowance.figure === 0
        ? []
        : [
            `${variant}: the figures are of float32 and float16 runs, so each may be off by ${allowance.figure} more (a sum by ${allowance.sum})`,
          ]),
      ...(others.length === 0
        ? []
        : [`compared is ${variant}; how far ${others.join(', ')} is from it is recorded in space.json`]),
    ];
    const sources = facts.groups.map(({ name, source, licence, tolerance }) => ({ name, source, licence, tolerance }));
    return { modelId: facts.modelId, variant, notes, sources, rows };
  } finally {
    await backend.close();
  }
}
