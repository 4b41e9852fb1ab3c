import type { Configuration } from '@kimera/serving';
import { probeNative } from '@kimera/backend-onnx';
import { describeError } from '../console/describe-error.js';
import type { Finding } from './finding.js';

/** Whether ONNX Runtime's native code runs here, tried in a process of its own. */
export async function runtimeFindings({ useOnnx }: Pick<Configuration, 'useOnnx'>): Promise<readonly Finding[]> {
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
      {
        area: 'runtime',
        what: 'execution providers',
        state: 'fine',
        value: executionProviders.join(', '),
        advice: 'in this build; cuda and tensorrt need their libraries besides (docs/execution-providers.md)',
      },
      exactInt8
        ? { area: 'runtime', what: '8-bit products', state: 'fine', value: 'exact' }
        : {
            area: 'runtime',
            what: '8-bit products',
            state: 'note',
            value: 'saturate',
            advice:
              'this processor has no VNNI: 8-bit variants made on another machine are refused here; converted here they get 7-bit weights',
          },
    ];
  } catch (error) {
    return [
      {
        area: 'runtime',
        what: 'native ONNX Runtime',
        state: useOnnx ? 'problem' : 'note',
        value: describeError(error).message,
        advice:
          'WebAssembly serves the same space, slower; "npm ci" brings the native package back, and USE_ONNX=0 says that it is not wanted',
      },
    ];
  }
}
