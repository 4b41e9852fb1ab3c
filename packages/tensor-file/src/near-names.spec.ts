import { expect, it } from '@jest/globals';
import { MissingTensorError } from './errors.js';
import { nearNames } from './near-names.js';

it.each([
  [
    'a prefix that is not known',
    ['0.auto_model.embeddings.word_embeddings.weight', '0.auto_model.embeddings.LayerNorm.weight'],
    ['0.auto_model.embeddings.word_embeddings.weight'],
  ],
  [
    'names of another architecture: the first of the file',
    ['model.embed_tokens.weight', 'model.layers.0.weight', 'model.layers.1.weight', 'model.norm.weight'],
    ['model.embed_tokens.weight', 'model.layers.0.weight', 'model.layers.1.weight'],
  ],
  ['nothing', [], []],
])('%s', (_, names, near) => {
  expect(nearNames('embeddings.word_embeddings.weight', names)).toEqual(near);
});

it('a missing tensor is told with the names that are near', () => {
  const error = new MissingTensorError('encoder.layer.2.output.dense.bias', [
    'encoder.layer.0.output.dense.bias',
    'encoder.layer.1.output.dense.bias',
    'encoder.layer.1.output.dense.weight',
  ]);
  expect(error.message).toBe(
    'the checkpoint has no tensor encoder.layer.2.output.dense.bias; among its 3 tensors are encoder.layer.0.output.dense.bias, encoder.layer.1.output.dense.bias',
  );
  expect(error).toMatchObject({ code: 'MISSING_TENSOR', near: [expect.any(String), expect.any(String)] });
});
