import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, jest } from '@jest/globals';
import { openModelFolder } from '@kimera/model-folder';
import { NativeRuntimeError, openMeasuredBackend, openOnnxBackend, probeNative } from './index.js';
import { INT8_SELF_TEST } from './probe-native.js';

const root = join(fileURLToPath(import.meta.url), '../../../..');
const fixture = fileURLToPath(new URL('./broken-native.fixture.cjs', import.meta.url));
const before = process.env['NODE_OPTIONS'];

function breakNative(how: 'dies' | 'missing' | 'chatter' | 'silence'): void {
  process.env['NODE_OPTIONS'] = `--require ${fixture}`;
  process.env['BROKEN_NATIVE'] = how;
}
afterEach(() => {
  if (before === undefined) delete process.env['NODE_OPTIONS'];
  else process.env['NODE_OPTIONS'] = before;
});

it('names a native runtime that is not there, and one that takes its process along, which nothing is opened on', async () => {
  const folder = await openModelFolder(join(root, 'fixtures/models/bge-m3-tiny'));
  breakNative('missing');
  await expect(probeNative()).rejects.toMatchObject({
    code: 'NATIVE_RUNTIME',
    reason: "Error: Cannot find module 'onnxruntime-node'",
  });
  await expect(openOnnxBackend({ folder })).rejects.toBeInstanceOf(NativeRuntimeError);
  // This one loads it into the caller's own process.
  jest.doMock('onnxruntime-node', () => {
    throw new Error("Cannot find module 'onnxruntime-node'");
  });
  await expect(openMeasuredBackend(folder)).rejects.toBeInstanceOf(NativeRuntimeError);
  jest.dontMock('onnxruntime-node');
  breakNative('dies');
  await expect(probeNative()).rejects.toMatchObject({
    code: 'NATIVE_RUNTIME',
    reason: 'the process that loaded it ended by SIGILL',
  });
});

it('says what the native runtime of this machine is, asked again after a failure, whatever else prints', async () => {
  breakNative('silence');
  await expect(probeNative()).rejects.toMatchObject({
    code: 'NATIVE_RUNTIME',
    reason: 'the process that loaded it said nothing that is understood',
  });
  breakNative('chatter');
  expect(await probeNative()).toEqual({
    version: '1.30.0',
    executionProviders: expect.arrayContaining(['cpu']),
    exactInt8: expect.any(Boolean),
  });
  breakNative('dies');
  // Known from before.
  expect((await probeNative())?.version).toBe('1.30.0');
});

it('runs the self-test that the converter writes', async () => {
  expect(INT8_SELF_TEST).toBe((await readFile(join(root, 'fixtures/models/int8_self_test.onnx'))).toString('base64'));
});
