import type { TensorSource } from '@kimera/tensor-file';
import type { Accounting } from './accounting.js';

/**
 * What tools for training put before the names of a model's tensors: a dict around them (`state_dict/`, `model/`),
 * DataParallel (`module.`), torch.compile (`_orig_mod.`), a sentence-transformers model saved as one state dict
 * (`0.auto_model.`), Lightning (`model.`).
 */
const WRAPPERS = [
  'state_dict/',
  'model_state_dict/',
  'model/',
  'module/',
  'module.',
  '_orig_mod.',
  '0.auto_model.',
  '0.model.',
  'auto_model.',
  'model.',
];
/** The table of tokens, by which the beginning of the names is recognised. */
const WORD_TABLE = /^(.*)embeddings\.word_embeddings\.weight$/;

/**
 * The tensors by the names that the model's own library gives them. transformers would not find tensors behind these
 * prefixes and would take random numbers instead.
 */
export function withoutWrappers(source: TensorSource, accounting: Accounting): TensorSource {
  let prefix = '';
  const table = source.names.find((name) => WORD_TABLE.test(name));
  for (let rest = WORD_TABLE.exec(table ?? '')?.[1] ?? ''; rest !== '';) {
    const wrapper = WRAPPERS.find((candidate) => rest.startsWith(candidate));
    if (wrapper === undefined) break;
    prefix += wrapper;
    rest = rest.slice(wrapper.length);
  }
  if (prefix === '') return source;
  accounting.note(
    `the names of the tensors begin with "${prefix}", which a tool for training put there; they are read without it`,
  );
  const original = new Map(
    source.names.map((name) => [name.startsWith(prefix) ? name.slice(prefix.length) : name, name]),
  );
  const of = (name: string): string => original.get(name) ?? name;
  return {
    names: [...original.keys()],
    entry: (name) => source.entry(of(name)),
    shape: (name) => source.shape(of(name)),
    location: (name) => source.location(of(name)),
    bytes: (name, range, memory) => source.bytes(of(name), range, memory),
    read: (name, range) => source.read(of(name), range),
    slices: (name) => source.slices(of(name)),
    close: () => source.close(),
  };
}
