import { cosine, norm, type EmbeddingSpace, type Pooling, type Tokenizer, type Vector } from '@kimera/core';
import type { ReferenceText } from '../embed-texts.js';
import type { Witness } from './read-witness.js';
import { longText, PROMPTED_TEXTS, WITNESS_TEXTS } from './witness-texts.js';
import { casingOf } from './witness-tokenizer.js';
import { asObject } from './witness-file.js';

/** One thing that was compared. */
export interface WitnessLine {
  readonly check: string;
  /** What the witness reads in the checkpoint. */
  readonly expected: string;
  /** What the converted folder says or does. */
  readonly actual: string;
  readonly holds: boolean;
}

/** Members of a space that this comparison reads; those of later versions of the identity may be absent. */
export type WitnessedSpace = Pick<
  EmbeddingSpace,
  'pooling' | 'normalize' | 'dimension' | 'maxTokens' | 'prompts' | 'promptPooling'
> & {
  readonly defaultRole?: string | undefined;
  readonly namedPrompts?: Readonly<Record<string, string>> | undefined;
  readonly truncationSide?: 'left' | undefined;
};

/** The converted folder, as it is used. */
export interface WitnessedFolder {
  readonly space: WitnessedSpace;
  readonly architecture: { readonly layers: number; readonly attentionHeads: number };
  /** tokenizer.json. */
  readonly tokenizerJson: string;
  readonly tokenizer: Tokenizer;
  /** Heads of the space; the witness reads the dense one alone. */
  readonly heads: readonly string[];
  /** How near its vectors must be: their cosine, and how far from 1 the ratio of the norms may be. */
  readonly near: { readonly cosine: number; readonly norm: number };
  embed(texts: readonly ReferenceText[]): Promise<readonly Vector[]>;
}

/** About three seconds of one core. */
const MULTIPLICATIONS = 8e9;

/** Line by line what the witness reads and what the folder says; then token ids and vectors of held-out texts. */
export async function compareWitness(witness: Witness, folder: WitnessedFolder): Promise<readonly WitnessLine[]> {
  const { space } = folder;
  const lines: WitnessLine[] = [];
  const line = (check: string, expected: string, actual: string, holds = expected === actual): void =>
    void lines.push({ check: `witness: ${check}`, expected, actual, holds });
  const chosen = witness.origin === 'no file';
  const note = chosen ? ' (no file of the checkpoint says it: chosen at the conversion)' : '';
  const poolingText = (pooling: readonly Pooling[], prompt: string | undefined): string =>
    `${pooling.join(' + ')}${prompt === 'excluded' ? ', without the prompt' : ''}`;
  const pooled = poolingText(space.pooling, space.promptPooling);
  const ownPooling = poolingText(witness.pooling, witness.promptPooling);
  line('pooling', ownPooling, pooled + (pooled === ownPooling ? '' : note), pooled === ownPooling || chosen);
  const normalized = space.normalize ? 'yes' : 'no';
  line('normalised', witness.normalized, normalized, normalized === witness.normalized || chosen);
  line(
    'dimension',
    `${witness.dimension} (${witness.chain})`,
    String(space.dimension),
    witness.dimension === space.dimension,
  );
  line(
    'limit',
    `${witness.limit} tokens${witness.limit > witness.positions ? `, ${witness.positions} positions` : ''}`,
    `${space.maxTokens} tokens`,
    space.maxTokens === witness.limit || space.maxTokens === Math.min(witness.limit, witness.positions),
  );
  line('long texts lose', sideText(witness.truncationSide), sideText(space.truncationSide ?? 'right'));
  const casing = casingOf(asObject(JSON.parse(folder.tokenizerJson))['normalizer']);
  line('casing', witness.casing, casing, witness.tokenizer === undefined || casing === witness.casing);
  for (const [name, text] of witness.prompts) line(`prompt ${name}`, shown(text), shown(promptOf(space, name)));
  line('prompt of a text without a role', shown(witness.defaultPrompt), shown(promptOf(space, space.defaultRole)));
  line(
    'encoder',
    `${witness.shape.layers} layers, ${witness.shape.attentionHeads} heads, ${witness.shape.activation}, epsilon ${witness.shape.layerNormEpsilon}${witness.adapter === undefined ? '' : `, ${witness.adapter}`}`,
    `${folder.architecture.layers} layers, ${folder.architecture.attentionHeads} heads`,
    folder.architecture.layers === witness.shape.layers &&
      folder.architecture.attentionHeads === witness.shape.attentionHeads,
  );
  const notSeen = [...witness.notSeen];
  const groups = groupsOf(witness, space.defaultRole);
  const cases = groups.map(({ about, prompt, role, texts }) => ({
    about,
    own: texts.map((text) =>
      encode(witness.tokenizer ?? folder.tokenizer, prompt, text, witness.truncationSide, witness.limit),
    ),
    folder: texts.map((text) =>
      encode(folder.tokenizer, promptOf(space, role) ?? '', text, space.truncationSide ?? 'right', space.maxTokens),
    ),
  }));
  for (const { about, own, folder: actual } of cases) {
    const equal = own.filter(({ ids }, i) => sameIds(ids, actual[i]?.ids ?? [])).length;
    line(`token ids, ${about}`, `${own.length} equal`, `${equal} equal`, equal === own.length);
  }
  let budget = MULTIPLICATIONS / witness.costOfToken;
  for (const { about, own, folder: actual } of cases) {
    const fitting = own.flatMap((text, i) => {
      const other = actual[i];
      if (other === undefined || text.ids.length > budget) return [];
      // No vector on either side: no token at all, or more than there are positions.
      if ([text, other].some(({ ids }) => ids.length === 0 || ids.length > witness.positions)) return [];
      budget -= text.ids.length;
      return [{ text, other }];
    });
    if (fitting.length < own.length)
      notSeen.push(
        `the vectors of ${own.length - fitting.length} texts (${about}): without tokens, beyond the positions, or too long for this comparison`,
      );
    if (fitting.length === 0) continue;
    const expected = await witness.embed(
      fitting.map(({ text }) => text),
      chosen ? space.pooling : witness.pooling,
      normalizedOf(space),
    );
    const vectors = await folder.embed(fitting.map(({ other }) => other));
    const worst = Math.min(...expected.map((vector, i) => cosineOf(vector, vectors[i])));
    const off = Math.max(...expected.map((vector, i) => Math.abs(norm(vectors[i] ?? []) / norm(vector) - 1)));
    line(
      `vectors, ${about}`,
      `cosine ≥ ${folder.near.cosine}, norm ± ${folder.near.norm}`,
      `min ${worst.toFixed(7)}, norm off by ${off.toExponential(1)}, ${fitting.length} texts`,
      worst >= folder.near.cosine && (off <= folder.near.norm || Number.isNaN(off)),
    );
  }
  const others = folder.heads.filter((head) => head !== 'dense');
  if (others.length > 0) notSeen.push(`the ${others.join(' and ')} heads`);
  line(
    'not seen',
    'what this witness does not read',
    notSeen.length === 0 ? 'nothing that the files name' : notSeen.join('; '),
    true,
  );
  return lines;
}

interface Group {
  readonly about: string;
  /** Whose prompt the folder puts before the texts. */
  readonly role: string | undefined;
  /** The same prompt as the witness reads it. */
  readonly prompt: string;
  readonly texts: readonly string[];
}

/** Texts without a role by kind, one over the limit, and a few with each prompt. */
function groupsOf(witness: Witness, defaultRole: string | undefined): readonly Group[] {
  const without = { role: defaultRole, prompt: witness.defaultPrompt };
  return [
    ...WITNESS_TEXTS.map(({ about, texts }) => ({ about, texts, ...without })),
    ...[...witness.prompts]
      .filter(([, prompt]) => prompt !== '')
      .map(([role, prompt]) => ({ about: `prompt ${role}`, role, prompt, texts: PROMPTED_TEXTS })),
    { about: 'over the limit', texts: [longText(witness.limit)], ...without },
  ];
}

function encode(
  tokenizer: Tokenizer,
  prompt: string,
  text: string,
  truncationSide: 'left' | 'right',
  maxTokens: number,
): ReferenceText {
  const options = { maxTokens, truncationSide };
  const { ids } = tokenizer.encode(prompt + text, options);
  if (prompt === '') return { ids, promptTokens: 0 };
  const alone = tokenizer.encode(prompt, options).ids;
  const last = alone.at(-1);
  return { ids, promptTokens: alone.length - (last !== undefined && tokenizer.isSpecial(last) ? 1 : 0) };
}

function normalizedOf({ normalize }: WitnessedSpace): 'yes' | 'no' {
  return normalize ? 'yes' : 'no';
}

function promptOf({ prompts, namedPrompts = {} }: WitnessedSpace, name: string | undefined): string | undefined {
  if (name === undefined) return '';
  if (name === 'query' || name === 'document') return prompts[name];
  return Object.hasOwn(namedPrompts, name) ? namedPrompts[name] : undefined;
}

const shown = (text: string | undefined): string => (text === undefined ? 'not there' : JSON.stringify(text));
const sideText = (side: 'left' | 'right'): string => (side === 'left' ? 'their beginning' : 'their end');

function sameIds(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((id, i) => id === b[i]);
}

/** -1 where the two cannot be compared. */
function cosineOf(expected: Vector, actual: Vector | undefined): number {
  if (actual?.length !== expected.length) return -1;
  return norm(actual) === 0 || norm(expected) === 0 ? -1 : cosine(expected, actual);
}
