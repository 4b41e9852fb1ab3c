import {
  cosine,
  type Embedding,
  type Head,
  HEADS,
  norm,
  promptOf,
  type Role,
  ROLES,
  type TextEmbedder,
} from '@kimera/core';
import { rejection, type TestFunctions } from '../test-functions.js';
import type { Tolerance } from '../tolerance/tolerance.js';
import { checkClose } from '../tolerance/vector-difference.js';
import { UNUSUAL_TEXTS } from '../unusual-texts.js';

export interface OpenedEmbedder {
  readonly embedder: TextEmbedder;
  close(): Promise<void>;
}

export interface TextEmbedderCase {
  readonly name: string;
  readonly open: () => Promise<OpenedEmbedder>;
  /** Of a text's embedding in a batch from the same text alone. */
  readonly tolerance: Tolerance;
}

const TEXTS = [
  'the cat sat on the mat',
  'a much longer sentence about nothing in particular, with commas',
  'x',
  'Der Zug nach Bern fährt um 7:32',
] as const;

/** The embedding invariants, for every TextEmbedder; prompts, heads and limits are read from its space. */
export function textEmbedderConformance(
  { describe, it, beforeAll, afterAll, expect }: TestFunctions,
  { name, open, tolerance }: TextEmbedderCase,
): void {
  describe(`${name} as a text embedder`, () => {
    let opened: OpenedEmbedder;
    let embedder: TextEmbedder;
    beforeAll(async () => {
      opened = await open();
      embedder = opened.embedder;
    });
    afterAll(() => opened.close());
    const check = (actual: Embedding | undefined, expected: Embedding, what: string): void => {
      checkClose(vector(actual), vector(expected), tolerance, what);
      expect(figures(actual)).toEqual(figures(expected));
    };

    it('gives [] for []', async () => {
      expect(await embedder.encodeBatch([])).toEqual([]);
    });

    it('gives a text the same embedding alone and in a batch, in order, duplicates included', async () => {
      const mixed = [...TEXTS, ...TEXTS.toReversed(), ...TEXTS.slice(0, 1)];
      const together = await embedder.encodeBatch(mixed);
      expect(together.length).toBe(mixed.length);
      for (const [i, text] of mixed.entries())
        check(together[i], await embedder.encodeText(text), JSON.stringify(text));
      expect(cosine(vector(together[0]), vector(together[1])) < tolerance.minCosine).toBe(true);
    });

    it('gives finite vectors of the dimension of the space, of length 1 where it is normalised, with its fingerprint', async () => {
      for (const embedding of await embedder.encodeBatch([...TEXTS, ...UNUSUAL_TEXTS])) {
        const dense = vector(embedding);
        expect(dense.length).toBe(embedder.space.dimension);
        expect(dense.every((value) => Number.isFinite(value))).toBe(true);
        if (embedder.space.normalize) expect(Math.abs(norm(dense) - 1) < 1e-6).toBe(true);
        expect(embedding.space).toBe(embedder.space.fingerprint);
      }
    });

    it('embeds empty text, NUL, lone surrogates and other unusual texts, each as it does alone', async () => {
      const together = await embedder.encodeBatch(UNUSUAL_TEXTS);
      for (const [i, text] of UNUSUAL_TEXTS.entries())
        check(together[i], await embedder.encodeText(text), JSON.stringify(text));
      check(await embedder.encodeText('a\ud800b'), await embedder.encodeText('a\ufffdb'), 'a lone surrogate');
    });

    it('cuts a text that is too long, and says so', async () => {
      const { maxTokens } = embedder.space;
      const [short, long] = await embedder.encodeBatch(['word', 'word '.repeat(maxTokens * 2)]);
      expect(short?.truncated).toBe(false);
      expect(short?.totalTokens).toBe(short?.tokens);
      expect(long?.truncated).toBe(true);
      expect(long?.tokens).toBe(maxTokens);
      expect((long?.totalTokens ?? 0) >= maxTokens * 2).toBe(true);
    });

    it('does not mix concurrent calls, whatever their lane', async () => {
      const calls = Array.from({ length: 24 }, (_, i) => [...TEXTS.slice(i % TEXTS.length), ...TEXTS.slice(0, i % 3)]);
      const answers = await Promise.all(
        calls.map((texts, i) => embedder.encodeBatch(texts, { lane: i % 2 === 0 ? 'interactive' : 'bulk' })),
      );
      const expected = new Map<string, Embedding>();
      for (const text of TEXTS) expected.set(text, await embedder.encodeText(text));
      for (const [i, texts] of calls.entries()) {
        expect(answers[i]?.length).toBe(texts.length);
        for (const [j, text] of texts.entries())
          check(answers[i]?.[j], expected.get(text) as Embedding, `call ${i}, text ${j}`);
      }
    });

    for (const role of ROLES) {
      it(`puts the prompt of the role ${role} before the text`, async () => {
        const { prompts, defaultRole } = embedder.space;
        const prompted = await embedder.encodeText(TEXTS[0], { role });
        // With a default role no call gives a text without a prompt: two prompts before it are compared instead.
        if (defaultRole === undefined) check(prompted, await embedder.encodeText(prompts[role] + TEXTS[0]), role);
        else
          check(
            await embedder.encodeText(prompts[role] + TEXTS[0], { role: defaultRole }),
            await embedder.encodeText(prompts[role] + TEXTS[0]),
            role,
          );
        expect(cosine(vector(prompted), vector(await embedder.encodeText(TEXTS[0]))) < tolerance.minCosine).toBe(
          prompts[role] !== (defaultRole === undefined ? '' : promptOf(embedder.space, defaultRole)),
        );
      });
    }

    it('gives a text without a role the prompt of the default role of the space, or none', async () => {
      const { defaultRole } = embedder.space;
      const tokens = (await embedder.encodeText('word')).tokens;
      if (defaultRole !== undefined)
        check(
          await embedder.encodeText(TEXTS[0]),
          await embedder.encodeText(TEXTS[0], { role: defaultRole }),
          'default role',
        );
      else
        for (const role of ROLES)
          expect((await embedder.encodeText('word', { role })).tokens > tokens).toBe(
            embedder.space.prompts[role] !== '',
          );
    });

    it('refuses an unknown role', async () => {
      for (const role of ['no such prompt', 'toString', ''])
        expect(await rejection(() => embedder.encodeText('x', { role: role as Role }))).toMatchObject({
          code: 'UNKNOWN_ROLE',
        });
    });

    for (const head of HEADS) {
      it(`gives ${head} where the space has it, and refuses it where not`, async () => {
        if (!embedder.space.heads.includes(head)) {
          expect(await rejection(() => embedder.encodeText(TEXTS[0], { heads: [head] }))).toMatchObject({
            code: 'UNSUPPORTED_HEAD',
          });
          return;
        }
        const embedding = await embedder.encodeText(TEXTS[0], { heads: [head] });
        expect(HEADS.filter((other) => embedding[other] !== undefined)).toEqual([head]);
        for (const [i, batched] of (await embedder.encodeBatch(TEXTS, { heads: [head] })).entries()) {
          const alone = await embedder.encodeText(TEXTS[i] ?? '', { heads: [head] });
          checkClose(numbers(batched, head), numbers(alone, head), tolerance, `${head} of text ${i}`);
        }
      });
    }

    it('gives up with the reason of a signal that was aborted, and goes on', async () => {
      const reason = new Error('given up');
      expect(await rejection(() => embedder.encodeBatch(TEXTS, { signal: AbortSignal.abort(reason) }))).toBe(reason);
      expect((await embedder.encodeBatch(TEXTS, { signal: new AbortController().signal })).length).toBe(TEXTS.length);
    });
  });
}

function vector(embedding: Embedding | undefined): Float32Array {
  return embedding?.dense ?? new Float32Array();
}

/** Of one head, in one order. */
function numbers({ dense, sparse, colbert }: Embedding, head: Head): Float32Array {
  if (head === 'dense') return dense ?? new Float32Array();
  if (head === 'colbert') return Float32Array.from((colbert ?? []).flatMap((row) => [...row]));
  return Float32Array.from([...(sparse ?? [])].sort(([a], [b]) => a - b).flat());
}

/** All of an embedding but its vectors. */
function figures(embedding: Embedding | undefined): Record<string, unknown> {
  const { tokens, totalTokens, truncated, space, variant, tokenizerRevision } = embedding ?? {};
  return { tokens, totalTokens, truncated, space, variant, tokenizerRevision };
}
