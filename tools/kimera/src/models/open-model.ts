import { backendsOf, checkVariant, parseBackendChoice } from '@kimera/serving';
import type { VariantChoice } from '@kimera/core';
import { isStaticFolder, openStaticModel } from '@kimera/backend-light';
import { Embedder, openEmbedder, type FallbackEvent } from '@kimera/embedder';
import type { CommandContext } from '../console/command-context.js';
import { printable } from '../console/printable.js';
import type { BackendName } from './backend-option.js';

export interface OpenModelOptions {
  readonly path: string;
  /** Default: what KIMERA_VARIANT says. */
  readonly variant?: VariantChoice | undefined;
  /** Default: native, or WebAssembly where that does not work. */
  readonly backend?: BackendName | undefined;
  /** Of the native backend; default: all processors. */
  readonly threads?: number | undefined;
}

/**
 * The embedder of a model folder, probes checked: on the backends that the environment names (USE_ONNX,
 * ONNX_EXECUTION_PROVIDERS), or from a static table.
 * That another backend than the first serves is noted. @throws InvalidEnvironmentError, UnknownVariantError, the
 * folder's and the backend's errors.
 */
export async function openModel(
  context: Pick<CommandContext, 'environment' | 'note'>,
  { path, variant, backend, threads }: OpenModelOptions,
): Promise<Embedder> {
  const choice = parseBackendChoice(context.environment);
  if (await isStaticFolder(path)) return new Embedder(await openStaticModel({ path }));
  const wanted = variant ?? choice.variant;
  await checkVariant(path, wanted);
  const backends = backendsOf(
    { ...choice, useOnnx: backend === 'onnx' || choice.useOnnx, variant: wanted },
    {
      threads,
      onVariantRefused: (name, { message }) =>
        context.note(`kimera: variant ${name} does not serve on this machine: ${printable(message)}`),
      onPackedWeights: (event) =>
        event.kind === 'refused'
          ? context.note(`kimera: packed weights do not hold: ${printable(event.reason)}`)
          : undefined,
    },
  ).filter(({ name }) => backend === undefined || (name === 'wasm') === (backend === 'wasm'));
  // What fails alone is an error, which says it.
  return openEmbedder({
    modelPath: path,
    backends,
    fallback: { onEvent: (event) => (backends.length > 1 ? note(context, event) : undefined) },
  });
}

function note(context: Pick<CommandContext, 'note'>, event: FallbackEvent): void {
  if (event.kind === 'out')
    context.note(`kimera: backend ${event.step} does not work here: ${printable(event.error.message)}`);
  if (event.kind === 'serving' && event.degraded)
    context.note(`kimera: backend ${event.step} serves instead: the same space`);
}
