import { expect, it } from '@jest/globals';
import { weightFiles } from './weight-files.js';

it('a graph takes its weights from the files beside it whose names stand in it', () => {
  const graph = Uint8Array.from([
    ...new TextEncoder().encode('\u000bmodel.onnx_dataj\u000apytorch_model.binj'),
    0xff,
    0x80,
  ]);
  const file = { bytes: 1, sha256: '' };
  const names = [
    'onnx/model.onnx',
    'onnx/model.onnx_data',
    'onnx/model_int8.onnx_data',
    'onnx/pytorch_model.bin',
    'pytorch_model.bin',
    'tokenizer.json',
  ];
  const files = Object.fromEntries(names.map((name) => [name, file]));
  expect(weightFiles(graph, 'onnx/model_fast.onnx', files)).toEqual(['onnx/model.onnx_data', 'onnx/pytorch_model.bin']);
  expect(weightFiles(graph, 'model.onnx', files)).toEqual(['pytorch_model.bin']);
  expect(weightFiles(new Uint8Array(), 'onnx/model.onnx', files)).toEqual([]);
});
