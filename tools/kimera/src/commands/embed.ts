import { checkHeads, type Embedding, type Head, HEADS, type PromptName, type VariantChoice } from '@kimera/core';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CommandContext } from '../console/command-context.js';
import { createCommand } from '../console/create-command.js';
import { processTextLines } from '../lines/process-text-lines.js';
import { backendOption, variantOption, type BackendName } from '../models/backend-option.js';
import { checkRole, MODEL_OPTION, modelPath, ROLE_OPTION } from '../models/default-model.js';

interface EmbedOptions {
  readonly model?: string;
  readonly head: readonly Head[];
  readonly role?: PromptName;
  readonly variant?: VariantChoice;
  readonly backend?: BackendName;
}

export function embedCommand(context: CommandContext): Command {
  return createCommand(context, 'embed', {
    summary: 'vectors of texts, one JSON line each',
    description: [
      'Reads {"text": …} lines from stdin and writes {"dense": […], "tokens": n, "truncated": bool, "space": "…"} lines, in the same order.',
      'A line that cannot be embedded gives {"error": {"code", "message"}} in its place; then the exit code is 1.',
      'Lines are answered as they come; memory does not grow with the input.',
    ].join('\n'),
    examples: [
      `embed <<< '{"text": "hello"}'`,
      `embed --model sentence-transformers/all-MiniLM-L6-v2 --role query <<< '{"text": "hello"}'`,
      'embed < texts.jsonl > vectors.jsonl',
    ],
  })
    .option(...MODEL_OPTION)
    .addOption(
      new Option('--head <names>', `heads, separated by commas: ${HEADS.join(', ')}`)
        .argParser(parseHeads)
        .default(['dense'] satisfies Head[], 'dense'),
    )
    .option(...ROLE_OPTION)
    .addOption(variantOption())
    .addOption(backendOption())
    .action(async ({ model, head: heads, role, variant, backend }: EmbedOptions) => {
      const { openModel } = await import('../models/open-model.js');
      const embedder = await openModel(context, { path: await modelPath(context, model), variant, backend });
      try {
        checkHeads(heads, embedder.space);
        checkRole(embedder.space, role);
        await processTextLines(context, async (texts) =>
          (await embedder.encodeBatch(texts, { heads, lane: 'bulk', ...(role === undefined ? {} : { role }) })).map(
            toLine,
          ),
        );
      } finally {
        await embedder.close();
      }
    });
}

function parseHeads(names: string): readonly Head[] {
  return names.split(',').map((name) => {
    const head = HEADS.find((candidate) => candidate === name.trim());
    if (head === undefined) throw new InvalidArgumentError(`Heads are ${HEADS.join(', ')}.`);
    return head;
  });
}

function toLine({ dense, sparse, colbert, tokens, truncated, space }: Embedding): object {
  return {
    ...(dense === undefined ? {} : { dense: Array.from(dense, shortest) }),
    ...(sparse === undefined
      ? {}
      : { sparse: Object.fromEntries([...sparse].map(([id, weight]) => [id, shortest(weight)])) }),
    ...(colbert === undefined ? {} : { colbert: colbert.map((vector) => Array.from(vector, shortest)) }),
    tokens,
    truncated,
    space,
  };
}

/** Nine digits name a float32 exactly (IEEE 754: 9 decimal digits suffice for binary32); JSON would print seventeen. */
function shortest(value: number): number {
  return Number(value.toPrecision(9));
}
