import { afterEach, describe, expect, it } from '@jest/globals';
import type { EmbeddingSpace } from '@kimera/core';
import { Embedder, FallbackBackend } from '@kimera/embedder';
import { FakeBackend, fakeSpace, inlineBatchTokenizer } from '@kimera/testing';
import { ServingModels } from './serving-models.js';

const MODEL = fakeSpace('model');
const LIGHT = fakeSpace('light', { dimension: 4 });
const open: Embedder[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((embedder) => embedder.close()));
});

/** On two steps, of which the named ones do not open. */
async function embedder(space: EmbeddingSpace, broken: readonly string[] = []): Promise<Embedder> {
  const backend = new FallbackBackend({
    space,
    variant: new FakeBackend().variant,
    steps: ['onnx', 'wasm'].map((name) => ({
      name,
      open: () =>
        broken.includes(name)
          ? Promise.reject(new Error(`${name} is broken`))
          : Promise.resolve(new FakeBackend({ name, space })),
    })),
  });
  await backend.start().catch(() => undefined);
  const opened = new Embedder({
    backend,
    tokenizer: inlineBatchTokenizer(),
    probes: [],
    fallback: () => backend.status,
  });
  open.push(opened);
  return opened;
}

describe('the models of a server', () => {
  it('are named by their id, or what follows the slash, and by their space', async () => {
    const primary = await embedder(MODEL);
    const models = new ServingModels({ primary });
    expect([
      models.named('fake/model'),
      models.named('model'),
      models.usual,
      models.inSpace(MODEL.fingerprint),
    ]).toEqual([primary, primary, primary, primary]);
    expect(models.health()).toMatchObject({ status: 'ok', reason: undefined });
    expect(() => models.named('fake/light')).toThrow(
      expect.objectContaining({ code: 'MODEL_NOT_SERVED', fields: { asked: 'fake/light', available: ['fake/model'] } }),
    );
    expect(() => models.inSpace(LIGHT.fingerprint)).toThrow(
      expect.objectContaining({ code: 'SPACE_NOT_SERVED', message: expect.stringContaining(MODEL.fingerprint) }),
    );
  });

  it('say why one is degraded', async () => {
    expect(new ServingModels({ primary: await embedder(MODEL, ['onnx']) }).health()).toMatchObject({
      status: 'degraded',
      reason: 'onnx is out: onnx is broken',
    });
  });

  it('give the light one to those who ask for it by its name or space, and to nobody else', async () => {
    const [primary, light] = [await embedder(MODEL, ['onnx', 'wasm']), await embedder(LIGHT)];
    const models = new ServingModels({ primary, light });
    expect(models.health()).toMatchObject({
      status: 'degraded',
      embedder: light,
      reason: 'onnx: onnx is broken; wasm: wasm is broken',
    });
    expect([models.usual, models.named('light'), models.named('model'), models.inSpace(LIGHT.fingerprint)]).toEqual([
      primary,
      light,
      primary,
      light,
    ]);
    for (const asked of [models.named('model'), models.usual])
      await expect(asked.encodeText('x')).rejects.toMatchObject({ code: 'NO_BACKEND' });
  });

  it('are not unavailable while a backend is about to open', async () => {
    let fail: (error: Error) => void = () => undefined;
    const backend = new FallbackBackend({
      space: MODEL,
      variant: new FakeBackend().variant,
      steps: [
        { name: 'onnx', open: () => Promise.reject(new Error('broken')) },
        { name: 'wasm', open: () => new Promise<never>((_resolve, reject) => (fail = reject)) },
      ],
    });
    void backend.start().catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    const primary = new Embedder({
      backend,
      tokenizer: inlineBatchTokenizer(),
      probes: [],
      fallback: () => backend.status,
    });
    open.push(primary);
    expect(new ServingModels({ primary, light: await embedder(LIGHT) }).health()).toMatchObject({
      status: 'degraded',
      embedder: primary,
    });
    fail(new Error('broken too'));
  });

  it('are refused where both answer to one name', async () => {
    const [primary, light] = [await embedder(MODEL), await embedder({ ...LIGHT, modelId: 'other/model' })];
    expect(() => new ServingModels({ primary, light })).toThrow(expect.objectContaining({ code: 'MODEL_NAMES' }));
  });

  it('are unavailable without a light one', async () => {
    const primary = await embedder(MODEL, ['onnx', 'wasm']);
    const models = new ServingModels({ primary });
    expect(models.health().status).toBe('unavailable');
    expect(models.usual).toBe(primary);
  });

  it('name what could not be opened, whose id is not known', async () => {
    const light = await embedder(LIGHT);
    const models = new ServingModels({ primary: { path: '/models/gone', reason: 'there is no model folder' }, light });
    expect(models.named('fake/light')).toBe(light);
    // It may be what the missing model is called.
    expect(() => models.named('light')).toThrow(expect.objectContaining({ code: 'MODEL_UNAVAILABLE' }));
    expect(() => models.usual).toThrow(expect.objectContaining({ code: 'MODEL_UNAVAILABLE' }));
    expect(() => models.named('some/model')).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNAVAILABLE',
        fields: { asked: 'some/model', available: ['fake/light'] },
      }),
    );
    expect(models.health()).toMatchObject({ status: 'degraded', reason: '/models/gone: there is no model folder' });
  });
});
