import { inlineTokenizer, parseTokenizer } from '@kimera/tokenizers/pure';
import { NotAStaticModelError } from '../errors.js';
import type { LoadParts, LoadStaticModelOptions, StaticModel } from '../static-model.js';
import { readText } from './file-source.js';
import { MODEL2VEC_LAYOUTS } from './layouts.js';
import { loadKimeraModel } from './load-kimera-model.js';
import { loadModel2vec } from './load-model2vec.js';

/**
 * Loads a static model of ours (`space.json` of schema kimera-static/1: file hashes and probes are checked) or a folder
 * of model2vec, in memory.
 * @throws NotAStaticModelError, InvalidSpaceFileError, ModelFileMissingError, ModelFileHashError, ProbeMismatchError,
 * InvalidSafetensorsError, InvalidStaticModelError, the tokenizer's errors.
 */
export async function loadStaticModel({
  files,
  modelId = files.name,
  openTokenizer = (tokenizer) => Promise.resolve(inlineTokenizer(tokenizer)),
}: LoadStaticModelOptions): Promise<StaticModel> {
  const parts: LoadParts = {
    files,
    modelId,
    openTokenizer,
    parseTokenizer: (json, file) => parseTokenizer(json, `${files.name}: ${file}`),
  };
  const spaceJson = await readText(files, 'space.json');
  if (spaceJson !== undefined) return loadKimeraModel(parts, spaceJson);
  for (const layout of MODEL2VEC_LAYOUTS) {
    const contents = await Promise.all(
      [layout.config, layout.weights, layout.tokenizer].map((file) => files.read(file)),
    );
    const [config, weights, tokenizer] = contents;
    if (config !== undefined && weights !== undefined && tokenizer !== undefined)
      return loadModel2vec(parts, layout, { config, weights, tokenizer });
  }
  throw new NotAStaticModelError(files.name, [
    'space.json',
    ...MODEL2VEC_LAYOUTS.map(({ config, weights, tokenizer }) => [config, weights, tokenizer].join(', ')),
  ]);
}
