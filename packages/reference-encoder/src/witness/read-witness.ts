import type { Pooling, Tokenizer, Vector } from '@kimera/core';
import { embedTexts, type ReferenceText } from '../embed-texts.js';
import { positionLimit, type EncoderShape } from '../encoder-shape.js';
import { denseWeights } from './witness-dense.js';
import { hasAdapter, witnessAdapter } from './witness-adapter.js';
import { witnessEncoder } from './witness-encoder.js';
import { asObject, WitnessFile } from './witness-file.js';
import { witnessModules, type WitnessModules } from './witness-modules.js';
import { witnessTokenizer } from './witness-tokenizer.js';

/**
 * A checkpoint as a second reader sees it: it shares no line with the conversion's reader but the formats of tensors and
 * of tokenizer.json. It follows sentence-transformers 5.7.0 and transformers 4.57.6.
 */
export interface Witness {
  readonly shape: EncoderShape;
  /** The modules in one line. */
  readonly chain: string;
  readonly origin: WitnessModules['origin'];
  readonly pooling: readonly Pooling[];
  readonly promptPooling: WitnessModules['promptPooling'];
  /** Whether the last thing that happens to a vector is the division by its norm. */
  readonly normalized: 'yes' | 'no';
  readonly dimension: number;
  /** Tokens a text may have, as the library reports it; the positions may be fewer. */
  readonly limit: number;
  /** Tokens for which there are positions. */
  readonly positions: number;
  readonly truncationSide: 'left' | 'right';
  readonly casing: string;
  /** By name; `query` and `document` are always there. */
  readonly prompts: ReadonlyMap<string, string>;
  readonly defaultPrompt: string;
  readonly adapter: string | undefined;
  /** Undefined where the witness cannot build it. */
  readonly tokenizer: Tokenizer | undefined;
  /** What of the files the witness does not read, by file and key. */
  readonly notSeen: readonly string[];
  /** Multiplications of the forward pass for one token. */
  readonly costOfToken: number;
  /** @param pooling another than the checkpoint's, where no file of it says one. */
  embed(
    texts: readonly ReferenceText[],
    pooling?: readonly Pooling[],
    normalize?: 'yes' | 'no',
  ): Promise<readonly Vector[]>;
  close(): Promise<void>;
}

/** In the order in which sentence-transformers looks for them; one that is empty is passed over. */
const SENTENCE_CONFIGS = ['bert', 'roberta', 'distilbert', 'camembert', 'albert', 'xlm-roberta', 'xlnet'].map(
  (name) => `sentence_${name}_config.json`,
);

/**
 * @throws the errors of the files, and Error where the witness does not know the encoder: then it has nothing to say.
 */
export async function readWitness(folder: string): Promise<Witness> {
  const modules = await witnessModules(folder);
  const inside = modules.transformer === '' ? folder : `${folder}/${modules.transformer}`;
  const sentence = modules.origin === 'no file' ? new WitnessFile('', {}) : await sentenceConfig(inside);
  const arguments_ = (old: string, now: string): Readonly<Record<string, unknown>> => ({
    ...sentence.object(old),
    ...sentence.object(now),
  });
  const tokenizerArguments = arguments_('tokenizer_args', 'processor_kwargs');
  const config = await over(inside, 'config.json', arguments_('config_args', 'config_kwargs'));
  const tokenizerConfig = await over(inside, 'tokenizer_config.json', tokenizerArguments);
  const library = new WitnessFile(
    'config_sentence_transformers.json',
    modules.origin === 'no file' ? {} : (await WitnessFile.read(folder, 'config_sentence_transformers.json')).content,
  );
  const read = await witnessTokenizer(
    inside,
    tokenizerConfig,
    config.text('model_type') ?? '',
    sentence.flag('do_lower_case') === true ? 'lower case' : 'as it is',
  );
  // transformers looks for an adapter in the root alone.
  const adapter = inside === folder ? await witnessAdapter(folder) : undefined;
  const encoder = await witnessEncoder(inside, config, adapter).catch(async (error: unknown) => {
    await adapter?.close();
    throw error;
  });
  const { shape } = encoder;
  const prompts = promptsOf(library);
  const cut = library.number('truncate_dim');
  const width = modules.afterPooling.reduce(
    (size, module) => (module.kind === 'dense' ? module.outFeatures : size),
    shape.hiddenSize * modules.pooling.length,
  );
  const dimension = Math.min(width, cut ?? width);
  const isCut = dimension < width;
  const names = [
    ...modules.pooling.slice(0, 1).map(() => modules.pooling.join(' + ')),
    ...modules.afterPooling.map((module) =>
      module.kind === 'dense' ? `dense ${module.inFeatures}→${module.outFeatures} ${module.activation}` : 'normalise',
    ),
    ...(isCut ? [`first ${dimension} of ${width}`] : []),
  ];
  return {
    shape,
    chain: names.join(', '),
    origin: modules.origin,
    pooling: modules.pooling,
    promptPooling: modules.promptPooling,
    normalized: modules.afterPooling.at(-1)?.kind === 'normalize' && !isCut ? 'yes' : 'no',
    dimension,
    limit: limitOf(sentence, tokenizerArguments, tokenizerConfig, config, shape),
    positions: positionLimit(shape),
    truncationSide: read.truncationSide,
    casing: read.casing,
    prompts,
    defaultPrompt: prompts.get(library.text('default_prompt_name') ?? '') ?? '',
    adapter: adapter?.describe,
    tokenizer: read.tokenizer,
    notSeen: [
      ...modules.notSeen,
      ...(adapter?.notSeen ?? []),
      ...(inside !== folder && (await hasAdapter(inside)) ? [`${modules.transformer}/adapter_config.json`] : []),
      ...read.notSeen,
      ...sentence.unread(SENTENCE_NEUTRAL, SENTENCE_USUAL),
      ...processingNotSeen(sentence),
      ...config.unread(CONFIG_NEUTRAL, CONFIG_USUAL),
      ...library.unread(['__version__', 'similarity_fn_name', 'model_type']),
    ],
    costOfToken: shape.layers * (4 * shape.hiddenSize ** 2 + 2 * shape.hiddenSize * shape.intermediateSize),
    async embed(texts, pooling = modules.pooling, normalize = 'no') {
      const chain =
        modules.origin === 'no file' && normalize === 'yes' ? [{ kind: 'normalize' as const }] : modules.afterPooling;
      const outputs = await embedTexts(
        {
          shape,
          modules: { pooling, promptPooling: modules.promptPooling, afterPooling: chain },
          heads: {},
          weights: await denseWeights(folder, chain, encoder.weights),
        },
        texts,
      );
      return outputs.map(({ dense }) => dense.slice(0, dimension));
    },
    async close() {
      await encoder.close();
      await adapter?.close();
    },
  };
}

async function sentenceConfig(folder: string): Promise<WitnessFile> {
  for (const name of SENTENCE_CONFIGS) {
    const file = await WitnessFile.read(folder, name);
    if (!file.isEmpty) return file;
  }
  return new WitnessFile(SENTENCE_CONFIGS[0] ?? '', {});
}

/** Of the arguments of the tokenizer's call the witness reads the limit alone. */
function processingNotSeen(sentence: WitnessFile): readonly string[] {
  return Object.entries(sentence.object('processing_kwargs')).flatMap(([kind, entries]) =>
    Object.keys(asObject(entries))
      .filter((key) => !(kind === 'text' && key === 'max_length'))
      .map((key) => `${sentence.name}: processing_kwargs.${kind}.${key}`),
  );
}

async function over(folder: string, name: string, entries: Readonly<Record<string, unknown>>): Promise<WitnessFile> {
  return new WitnessFile(name, { ...(await WitnessFile.read(folder, name)).content, ...entries });
}

/** `query` and `document` are always there: sentence-transformers 5.7 starts with both, empty. */
function promptsOf(library: WitnessFile): ReadonlyMap<string, string> {
  const prompts = new Map([
    ['query', ''],
    ['document', ''],
  ]);
  for (const [name, text] of Object.entries(library.object('prompts')))
    prompts.set(name, typeof text === 'string' ? text : '');
  return prompts;
}

/** A limit that sentence_bert_config.json gives counts as it is; another is not more than the positions. */
function limitOf(
  sentence: WitnessFile,
  tokenizerArguments: Readonly<Record<string, unknown>>,
  tokenizerConfig: WitnessFile,
  config: WitnessFile,
  shape: EncoderShape,
): number {
  const ofCall = asObject(sentence.object('processing_kwargs')['text'])['max_length'];
  if (typeof ofCall === 'number') return ofCall;
  const given = tokenizerArguments['model_max_length'];
  const own = typeof given === 'number' ? given : sentence.number('max_seq_length');
  if (own !== undefined) return own;
  const ofTokenizer = tokenizerConfig.number('model_max_length') ?? tokenizerConfig.number('max_len') ?? Infinity;
  return Math.min(ofTokenizer, config.number('max_position_embeddings') ?? shape.positionRows);
}

/** What these files say that changes no vector, or that the tensors tell. */
const SENTENCE_NEUTRAL: readonly string[] = ['model_args', 'model_kwargs', 'unpad_inputs', 'max_seq_length'];
const CONFIG_NEUTRAL: readonly string[] = [
  ...['architectures', 'torch_dtype', 'dtype', 'transformers_version', '_name_or_path', 'initializer_range'],
  ...[
    'attention_probs_dropout_prob',
    'hidden_dropout_prob',
    'classifier_dropout',
    'gradient_checkpointing',
    'use_cache',
  ],
  ...['hidden_size', 'dim', 'intermediate_size', 'hidden_dim', 'embedding_size', 'vocab_size', 'type_vocab_size'],
  ...['max_position_embeddings', 'pad_token_id', 'bos_token_id', 'eos_token_id', 'id2label', 'label2id', 'num_labels'],
  ...['dropout', 'attention_dropout', 'qa_dropout', 'seq_classif_dropout', 'sinusoidal_pos_embds', 'tie_weights_'],
  ...['output_past', 'layer_norm_eps', 'relative_attention_num_buckets', 'summary_type', 'summary_activation'],
  ...['summary_last_dropout', 'summary_use_proj', 'finetuning_task', 'tokenizer_class', 'problem_type', 'pooler_type'],
  ...['directionality', 'pooler_fc_size', 'pooler_num_attention_heads', 'pooler_num_fc_layers', 'pooler_size_per_head'],
  ...['num_attention_heads', 'num_hidden_layers', 'n_heads', 'n_layers', 'hidden_act', 'activation', 'model_type'],
];
/** Values that say what the forward pass does anyway. */
const CONFIG_USUAL = {
  position_embedding_type: 'absolute',
  is_decoder: false,
  is_encoder_decoder: false,
  add_cross_attention: false,
  cross_attention_hidden_size: null,
  pruned_heads: {},
  output_attentions: false,
  output_hidden_states: false,
  return_dict: true,
  torchscript: false,
  chunk_size_feed_forward: 0,
} as const;
const SENTENCE_USUAL = {
  transformer_task: 'feature-extraction',
  module_output_name: 'token_embeddings',
  modality_config: { text: { method: 'forward', method_output_name: 'last_hidden_state' } },
} as const;
