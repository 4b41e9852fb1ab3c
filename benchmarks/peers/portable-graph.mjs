/* eslint no-console: off */
// Loads the portable graph of model folders in transformers.js and compares with the folder's own probes and goldens.
// usage: node portable-graph.mjs [--goldens expected.json] FOLDER...      (in a folder where @huggingface/transformers
// is installed)
// Prints one row a folder; exits with 1 where a float32 or 4-bit folder is below 0.99999.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const FLOORS = { fp32: 0.99999, q4: 0.99999, fp16: 0.9999 };
// Of the caller's folder: the peer is not a dependency of this repository.
const require = createRequire(join(process.cwd(), 'peers.cjs'));
const { env, pipeline } = await import(pathToFileURL(require.resolve('@huggingface/transformers')).href);
const { values, positionals } = parseArgs({ allowPositionals: true, options: { goldens: { type: 'string' } } });
env.allowRemoteModels = false;

const decode = (base64) => {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
};
const compare = (a, b) => {
  let [product, squareA, squareB, largest] = [0, 0, 0, 0];
  a.forEach((value, i) => {
    product += value * b[i];
    squareA += value * value;
    squareB += b[i] * b[i];
    largest = Math.max(largest, Math.abs(value - b[i]));
  });
  return { cosine: product / Math.sqrt(squareA * squareB), largest };
};

console.log(`- versions: node ${process.versions.node}, @huggingface/transformers ${env.version}\n`);
console.log(
  '| folder | variant | compared with | texts | beyond the limit | tokenised otherwise | least cosine | largest difference |\n| --- | --- | --- | --- | --- | --- | --- | --- |',
);
let holds = true;
for (const folder of positionals.map((path) => resolve(path))) {
  env.localModelPath = dirname(folder);
  const space = JSON.parse(readFileSync(join(folder, 'space.json'), 'utf8'));
  const variant = space.variants[0].name;
  const { prompts, pooling, maxTokens } = space.identity;
  // dtype fp32 names the file onnx/model.onnx, whatever the precision of the weights inside.
  const extract = await pipeline('feature-extraction', basename(folder), { dtype: 'fp32', device: 'cpu' });
  const cases = [
    [
      'probes',
      space.probes.map(({ text, role, ids, dense }) => [
        (role === null ? '' : prompts[role]) + text,
        ids,
        decode(dense),
      ]),
    ],
  ];
  if (values.goldens !== undefined && space.modelId.includes('MiniLM')) {
    cases.push([
      'goldens',
      JSON.parse(readFileSync(values.goldens, 'utf8')).cases.map(({ text, input_ids, embedding }) => [
        text,
        input_ids,
        decode(embedding),
      ]),
    ]);
  }
  for (const [name, all] of cases) {
    const compared = [];
    let [longer, otherwise] = [0, 0];
    for (const [text, ids, expected] of all) {
      const own = Array.from(extract.tokenizer(text, { truncation: false }).input_ids.data, Number);
      // It cuts at tokenizer_config.json's length, not at sentence_bert_config.json's: texts beyond the latter are not
      // comparable.
      if (own.length > maxTokens) longer += 1;
      // The graph is in question here, not the tokenizer.
      else if (own.join() !== ids.join()) otherwise += 1;
      else compared.push(compare((await extract(text, { pooling: pooling[0], normalize: true })).data, expected));
    }
    const cosine = Math.min(...compared.map((one) => one.cosine));
    holds &&= cosine >= FLOORS[variant];
    console.log(
      `| ${basename(folder)} | ${variant} | ${name} | ${compared.length} | ${longer} | ${otherwise} | ${cosine.toFixed(7)} | ${Math.max(...compared.map((one) => one.largest)).toExponential(2)} |`,
    );
  }
  await extract.dispose();
}
process.exit(holds ? 0 : 1);
