import type { JsonReader } from './json/json-reader.js';

/** Offsets without the white space of a token (tokenizers 0.22 pre_tokenizers/byte_level.rs `process_offsets`). */
export interface OffsetTrim {
  /** A single leading space of the first token was added, and stays. */
  readonly addPrefixSpace: boolean;
}

export interface PostProcessor {
  /** Special ids before and after the text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  readonly trims: readonly OffsetTrim[];
}

const NOTHING: PostProcessor = { prefix: [], suffix: [], trims: [] };
const SUPPORTED = ['TemplateProcessing', 'BertProcessing', 'RobertaProcessing', 'ByteLevel', 'Sequence'];

/** The `post_processor` of a tokenizer.json. @param pieces by id. */
export function readPostProcessor(reader: JsonReader, pieces: readonly (string | undefined)[]): PostProcessor {
  if (reader.isNull) return NOTHING;
  const type = reader.field('type').string();
  switch (type) {
    case 'TemplateProcessing':
      return readTemplate(reader, pieces);
    case 'BertProcessing':
      return { ...NOTHING, ...readEnds(reader, pieces) };
    case 'RobertaProcessing':
      return { ...readEnds(reader, pieces), trims: readTrims(reader) };
    case 'ByteLevel':
      return { ...NOTHING, trims: readTrims(reader) };
    case 'Sequence':
      return reader
        .field('processors')
        .items()
        .map((one) => readPostProcessor(one, pieces))
        .reduce(
          (inner, outer) => ({
            prefix: [...outer.prefix, ...inner.prefix],
            suffix: [...inner.suffix, ...outer.suffix],
            trims: [...inner.trims, ...outer.trims],
          }),
          NOTHING,
        );
    default:
      return reader.unsupported(`post-processor ${type}`, SUPPORTED);
  }
}

function readTrims(reader: JsonReader): readonly OffsetTrim[] {
  return reader.field('trim_offsets').boolean(true)
    ? [{ addPrefixSpace: reader.field('add_prefix_space').boolean(true) }]
    : [];
}

function readEnds(
  reader: JsonReader,
  pieces: readonly (string | undefined)[],
): Pick<PostProcessor, 'prefix' | 'suffix'> {
  return { prefix: [readToken(reader.field('cls'), pieces)], suffix: [readToken(reader.field('sep'), pieces)] };
}

/** `[token, id]`. */
function readToken(reader: JsonReader, pieces: readonly (string | undefined)[]): number {
  const [token, id, ...others] = reader.items();
  if (token === undefined || id === undefined || others.length > 0) return reader.fail('expected a token and its id');
  return readId(id, token.string(), pieces);
}

function readId(reader: JsonReader, token: string, pieces: readonly (string | undefined)[]): number {
  const id = reader.integer({ min: 0, max: pieces.length - 1 });
  return pieces.includes(token) ? id : reader.fail(`${JSON.stringify(token)} is not in the vocabulary`);
}

function readTemplate(reader: JsonReader, pieces: readonly (string | undefined)[]): PostProcessor {
  const parts: [number[], number[]] = [[], []];
  let side = 0;
  for (const item of reader.field('single').items()) {
    const special = item.field('SpecialToken');
    if (special.isNull) {
      if (item.field('Sequence').field('id').value !== 'A' || side === 1) return item.fail('expected one Sequence A');
      side = 1;
      continue;
    }
    const name = special.field('id').string();
    const entry = reader.field('special_tokens').field(name);
    if (entry.isNull) return special.fail(`the special token ${JSON.stringify(name)} is not defined`);
    for (const id of entry.field('ids').items()) parts[side === 0 ? 0 : 1].push(readId(id, name, pieces));
  }
  if (side === 0) return reader.field('single').fail('the template has no Sequence A');
  return { prefix: parts[0], suffix: parts[1], trims: [] };
}
