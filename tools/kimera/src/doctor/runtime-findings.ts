import type { Configuration } from '@kimera/serving';
import { probeNative } from '@kimera/backend-onnx';
import { describeError } from '../console/describe-error.js';
import type { Finding } from './finding.js';

/**
 * How the native package comes back. It is an optional dependency: npm leaves it out, without an error, where its
 * install script fails. That script downloads CUDA libraries on Linux x64; with the variable it downloads nothing.
 */
export const REINSTALL = '"ONNXRUNTIME_NODE_INSTALL=skip npm install" brings the native package back';

/** Whether ONNX Runtime's native code runs here, tried in a process of its own. */
export async function runtimeFindings({
  useOnnx,
  executionProviders: wanted,
}: Pick<Configuration, 'useOnnx' | 'executionProviders'>): Promise<readonly Finding[]> {
  try {
    const probe = await probeNative();
    if (probe === undefined)
      return [
        {
          area: 'runtime',
          what: 'native ONNX Runtime',
          state: 'note',
          value: 'not tried',
          advice: 'no process may be started here, so it is tried when a model is opened',
        },
      ];
    const { version, executionProviders, exactInt8 } = probe;
    return [
      { area: 'runtime', what: 'native ONNX Runtime', state: 'fine', value: version },
      providersFinding(executionProviders, wanted),
      exactInt8
        ? { area: 'runtime', what: '8-bit products', state: 'fine', value: 'exact' }
        : {
            area: 'runtime',
            what: '8-bit products',
            state: 'note',
            value: 'saturate',
            advice:
              'this processor has no VNNI: 8-bit variants run with unsigned weights, which are exact and slower; those converted before they had such a graph are refused',
          },
    ];
  } catch (error) {
    return [
      {
        area: 'runtime',
        what: 'native ONNX Runtime',
        state: useOnnx ? 'problem' : 'note',
        value: describeError(error).message,
        advice: `WebAssembly serves the same space, slower; ${REINSTALL}, and USE_ONNX=0 says that it is not wanted`,
      },
    ];
  }
}

/** The probe runs on the processor alone; another provider is tried where a model is opened with it. */
function providersFinding(inBuild: readonly string[], wanted: readonly string[]): Finding {
  const others = inBuild.filter((name) => name !== 'cpu');
  const finding = { area: 'runtime', what: 'execution providers' } as const;
  if (others.length === 0) return { ...finding, state: 'fine', value: 'cpu works' };
  const untried = others.filter((name) => !wanted.includes(name));
  const tried = others.filter((name) => wanted.includes(name));
  const parts = [
    'cpu works',
    ...(tried.length === 0 ? [] : [`${tried.join(', ')}: see the models below, which are opened with it`]),
    ...(untried.length === 0 ? [] : [`${untried.join(', ')}: in this build, not tried`]),
  ];
  return {
    ...finding,
    state: untried.length === 0 ? 'fine' : 'note',
    value: parts.join('; '),
    advice: `whether it works depends on libraries that are installed apart: ONNX_EXECUTION_PROVIDERS=${others[0] ?? 'cuda'},cpu kimera doctor tries it (docs/execution-providers.md)`,
  };
}
