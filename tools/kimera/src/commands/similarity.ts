import { cosine, shortFingerprint, type PromptName, type VariantChoice } from '@kimera/core';
import type { Command } from 'commander';
import type { CommandContext } from '../console/command-context.js';
import { UsageError } from '../errors.js';
import { createCommand, withJson } from '../console/create-command.js';
import { backendOption, variantOption, type BackendName } from '../models/backend-option.js';
import { checkRole, MODEL_OPTION, modelPath, ROLE_OPTION } from '../models/default-model.js';

interface SimilarityOptions {
  readonly model?: string;
  readonly role?: PromptName;
  readonly variant?: VariantChoice;
  readonly backend?: BackendName;
  readonly json?: true;
}

export function similarityCommand(context: CommandContext): Command {
  const command = createCommand(context, 'similarity', {
    summary: 'how close texts are to each other',
    description: 'The cosine of every pair of texts, as a matrix.',
    examples: [
      'similarity "a cat" "a kitten" "an invoice"',
      'similarity --model sentence-transformers/all-MiniLM-L6-v2 "good morning" "good evening" --json',
    ],
  });
  return withJson(command)
    .argument('<texts...>', 'two texts or more')
    .option(...MODEL_OPTION)
    .option(...ROLE_OPTION)
    .addOption(variantOption())
    .addOption(backendOption())
    .action(async (texts: readonly string[], { model, role, variant, backend, json }: SimilarityOptions) => {
      if (texts.length < 2) throw new UsageError(`${texts.length} text, at least 2 are needed`);
      const { openModel } = await import('../models/open-model.js');
      const embedder = await openModel(context, { path: await modelPath(context, model), variant, backend });
      try {
        checkRole(embedder.space, role);
        const embeddings = await embedder.encodeBatch(texts, role === undefined ? {} : { role });
        const vectors = embeddings.map(({ dense = new Float32Array() }) => dense);
        const matrix = vectors.map((a) => vectors.map((b) => Number(cosine(a, b).toFixed(6))));
        const { space } = embedder;
        if (json === true) {
          await context.stdout.json({
            space: space.fingerprint,
            modelId: space.modelId,
            texts,
            truncated: embeddings.map(({ truncated }) => truncated),
            matrix,
          });
          return;
        }
        const { cell, formatTable } = await import('../console/table.js');
        const rows = matrix.map((row, i) => [
          String(i + 1),
          ...row.map((value) => value.toFixed(4)),
          cell(texts[i] ?? '', 60),
        ]);
        const columns = texts.map((_, i) => String(i + 1));
        await context.stdout.line(
          formatTable(
            ['', ...columns, ''],
            rows,
            texts.map((_, i) => i + 1),
          ),
        );
        await context.stdout.line(`cosine in space ${shortFingerprint(space.fingerprint)} (${space.modelId})`);
        embeddings.forEach(({ truncated, tokens, totalTokens }, i) => {
          if (truncated) context.note(`kimera: text ${i + 1} was cut to ${tokens} of ${totalTokens} tokens`);
        });
      } finally {
        await embedder.close();
      }
    });
}
