// A program of its own, since native code that a processor cannot run ends its process. Loads onnxruntime-node and runs
// the graph that argv[2] holds in base64: a product of 8 bits that is exact where "holds" is 1.
import { createRequire } from 'node:module';
import type * as Runtime from 'onnxruntime-node';

const require = createRequire(import.meta.url);
const { InferenceSession, listSupportedBackends, Tensor } = require('onnxruntime-node') as typeof Runtime;
const session = await InferenceSession.create(Buffer.from(process.argv[2] ?? '', 'base64'), {
  intraOpNumThreads: 1,
  logSeverityLevel: 3,
});
const { holds } = await session.run({ a: new Tensor('uint8', new Uint8Array(64).fill(255), [1, 64]) });
const { version } = require('onnxruntime-node/package.json') as { readonly version: string };
// A line of its own: what else is loaded into every process may have printed something.
process.stdout.write(
  `\n${JSON.stringify({
    version,
    executionProviders: listSupportedBackends().map(({ name }) => name),
    exactInt8: holds?.data[0] === 1,
  })}\n`,
);
