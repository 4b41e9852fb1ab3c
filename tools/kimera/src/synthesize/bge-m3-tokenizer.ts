import { createHash } from 'node:crypto';
import { z } from 'zod';
import { InvalidCheckpointError } from '@kimera/tensor-file';

/** Of BAAI/bge-m3's tokenizer.json (hub revision 5617a9f6…, fixtures/bge-m3-published). */
export const BGE_M3_TOKENIZER_SHA256 = '21106b6d7dab2952c1d496fb21d5dc9db75c28ed361a05f5020bbba27810dd08';

const sourceSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ content: z.string() })),
  model: z.looseObject({ vocab: z.array(z.tuple([z.string(), z.number()])) }),
});

/**
 * bge-m3's published tokenizer.json, byte for byte, out of multilingual-e5-small's: both hold the 250,002 pieces of
 * XLM-R. bge-m3's scores are float32, its `<mask>` takes the white space before it, and it says that it has no byte
 * fallback.
 * @throws InvalidCheckpointError where the source is another file: the result would not be the published one.
 */
export function bgeM3Tokenizer(e5Json: string): string {
  // Checked, but not taken from the parser: the order of the members has to stay.
  const source = JSON.parse(e5Json) as z.infer<typeof sourceSchema>;
  sourceSchema.parse(source);
  const tokenizer = {
    ...source,
    added_tokens: source.added_tokens.map((token) => ({ ...token, lstrip: token.content === '<mask>' })),
    model: {
      ...source.model,
      vocab: source.model.vocab.map(([piece, score]) => [piece, Math.fround(score)]),
      byte_fallback: false,
    },
  };
  // Scores are floats: Rust's serde writes 0.0 where JavaScript writes 0.
  const json = JSON.stringify(tokenizer, null, 2).replace(/^( {8})(-?\d+)$/gm, '$1$2.0');
  const actual = createHash('sha256').update(json).digest('hex');
  if (actual !== BGE_M3_TOKENIZER_SHA256)
    throw new InvalidCheckpointError(
      'tokenizer.json',
      `made of it, the tokenizer has SHA-256 ${actual}, bge-m3's has ${BGE_M3_TOKENIZER_SHA256}`,
    );
  return json;
}
