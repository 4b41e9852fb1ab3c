import type { Command } from 'commander';
import type { CommandContext } from '../console/command-context.js';
import { createCommand } from '../console/create-command.js';
import { processTextLines } from '../lines/process-text-lines.js';
import { MODEL_OPTION, modelPath } from '../models/default-model.js';

export function tokenizeCommand(context: CommandContext): Command {
  return createCommand(context, 'tokenize', {
    summary: 'token ids of texts, one JSON line each',
    description: [
      'Reads {"text": …} lines from stdin and writes {"ids": […], "totalTokens": n, "truncated": bool} lines, in the same order.',
      'A line that cannot be read gives {"error": {"code", "message"}} in its place; then the exit code is 1.',
    ].join('\n'),
    examples: [
      `tokenize <<< '{"text": "hello"}'`,
      'tokenize --model sentence-transformers/all-MiniLM-L6-v2 < texts.jsonl',
    ],
  })
    .option(...MODEL_OPTION)
    .action(async ({ model }: { readonly model?: string }) => {
      const { openTokenizer } = await import('../models/open-tokenizer.js');
      const { tokenizer, limit } = await openTokenizer(await modelPath(context, model));
      try {
        await processTextLines(context, async (texts) => {
          const { batch, totalTokens, truncated } = await tokenizer.encodeBatch(texts, limit);
          return texts.map((_, i) => ({
            ids: [...batch.ids.subarray(batch.offsets[i], batch.offsets[i + 1])],
            totalTokens: totalTokens[i],
            truncated: truncated[i],
          }));
        });
      } finally {
        await tokenizer.close();
      }
    });
}
