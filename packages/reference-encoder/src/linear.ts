/** Tokens of one call of the kernel. */
const TOKENS = 64;
/** Weights of one call of the kernel: 1 MB of float32 stays in the processor's cache. */
const WEIGHTS = 1 << 18;
const PAGE = 1 << 16;

/** The part of WebAssembly that is used here: TypeScript has its types only in the library for browsers. */
declare const WebAssembly: {
  readonly Memory: new (descriptor: { readonly initial: number }) => {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: object,
  ) => {
    readonly exports: {
      readonly products: (x: number, tokens: number, w: number, rows: number, k: number, out: number) => void;
    };
  };
};

/** products.wat as a module, in base64; linear.spec.ts compares the two. */
export const PRODUCTS_WASM =
  'AGFzbQEAAAABEAJgBn9/f39/fwBgA397ewACDwEDZW52Bm1lbW9yeQIAAQMDAgABBwwBCHByb2R1Y3RzAAAK6wQCsAQCDX8LeyAEQQN0IRAgBEECdCERIANBA3QhEkEAIQYDQEEAIQcDQCACIAYgEWxqIQggCCARaiEJIAkhCiAAIAcgEGxqIQwgDCAQaiENIA0gEGohDiAOIBBqIQ/9DAAAAAAAAAAAAAAAAAAAAAAhFv0MAAAAAAAAAAAAAAAAAAAAACEX/QwAAAAAAAAAAAAAAAAAAAAAIRj9DAAAAAAAAAAAAAAAAAAAAAAhGf0MAAAAAAAAAAAAAAAAAAAAACEa/QwAAAAAAAAAAAAAAAAAAAAAIRv9DAAAAAAAAAAAAAAAAAAAAAAhHP0MAAAAAAAAAAAAAAAAAAAAACEdA0AgCP1dAwD9XyETIAn9XQMA/V8hFCAM/QAEACEVIBYgFSAT/fIB/fABIRYgGiAVIBT98gH98AEhGiAN/QAEACEVIBcgFSAT/fIB/fABIRcgGyAVIBT98gH98AEhGyAO/QAEACEVIBggFSAT/fIB/fABIRggHCAVIBT98gH98AEhHCAP/QAEACEVIBkgFSAT/fIB/fABIRkgHSAVIBT98gH98AEhHSAJQQhqIQkgDEEQaiEMIA1BEGohDSAOQRBqIQ4gD0EQaiEPIAhBCGoiCCAKSQ0ACyAFIAcgEmwgBkEDdGpqIQsgCyAWIBoQASALIBJqIQsgCyAXIBsQASALIBJqIQsgCyAYIBwQASALIBJqIQsgCyAZIB0QASAHQQRqIgcgAUkNAAsgBkECaiIGIANJDQALCzcAIAAgASAC/Q0AAQIDBAUGBxAREhMUFRYXIAEgAv0NCAkKCwwNDg8YGRobHB0eH/3wAf0LBAAL';

/** The kernel and its memory. */
const memory = new WebAssembly.Memory({ initial: 1 });
const { products } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(PRODUCTS_WASM, 'base64')), {
  env: { memory },
}).exports;

/** W [N, K] in order, in slices of whole rows. */
export type WeightSlices = AsyncIterable<Float32Array> | Iterable<Float32Array>;

/** x [T, K] · Wᵀ + b → [T, N], accumulated in float64 by WebAssembly, three to five times as fast as JavaScript. */
export async function linear(
  x: Float64Array,
  tokens: number,
  weight: WeightSlices,
  bias: Float32Array,
): Promise<Float64Array> {
  const out = new Float64Array(tokens * bias.length);
  if (tokens === 0) return out;
  const k = x.length / tokens;
  const rowsAtOnce = Math.max(2, 2 * Math.floor(WEIGHTS / even(k) / 2));
  let row = 0;
  for await (const slice of weight) {
    for (let from = 0; from < slice.length; from += rowsAtOnce * k) {
      const rows = slice.subarray(from, from + rowsAtOnce * k);
      multiply(x, tokens, rows, k, bias, row, out);
      row += rows.length / k;
    }
  }
  return out;
}

/**
 * The outputs from `row` on of as many rows as there are. Other calls may come between two of these, so that nothing is
 * left in the memory.
 */
function multiply(
  x: Float64Array,
  tokens: number,
  weight: Float32Array,
  k: number,
  bias: Float32Array,
  row: number,
  out: Float64Array,
): void {
  const n = bias.length;
  const width = even(k);
  const rows = weight.length / k;
  const evenRows = even(rows);
  const tokensAtOnce = Math.min(TOKENS, 4 * Math.ceil(tokens / 4));
  const at = { x: 0, w: tokensAtOnce * width * 8, out: 0 };
  at.out = at.w + evenRows * width * 4;
  const bytes = at.out + tokensAtOnce * evenRows * 8;
  if (bytes > memory.buffer.byteLength) memory.grow(Math.ceil((bytes - memory.buffer.byteLength) / PAGE));
  const xs = new Float64Array(memory.buffer, at.x, tokensAtOnce * width);
  const ws = new Float32Array(memory.buffer, at.w, evenRows * width);
  const outs = new Float64Array(memory.buffer, at.out, tokensAtOnce * evenRows);
  fill(ws, weight, 0, rows, k, width);
  for (let token = 0; token < tokens; token += tokensAtOnce) {
    const count = Math.min(tokensAtOnce, tokens - token);
    fill(xs, x, token, count, k, width);
    products(at.x, 4 * Math.ceil(count / 4), at.w, evenRows, width, at.out);
    for (let t = 0; t < count; t++) {
      const to = (token + t) * n + row;
      const from = t * evenRows;
      for (let j = 0; j < rows; j++) out[to + j] = (outs[from + j] as number) + (bias[row + j] as number);
    }
  }
}

/**
 * Rows [from, from + count) of a matrix of k columns into one of `width` columns; a column beyond is 0, and rows beyond
 * are not looked at.
 */
function fill<Numbers extends Float32Array | Float64Array>(
  to: Numbers,
  matrix: Numbers,
  from: number,
  count: number,
  k: number,
  width: number,
): void {
  if (width === k) {
    to.set(matrix.subarray(from * k, (from + count) * k));
    return;
  }
  for (let row = 0; row < count; row++) {
    to.set(matrix.subarray((from + row) * k, (from + row + 1) * k), row * width);
    to[row * width + k] = 0;
  }
}

function even(count: number): number {
  return count + (count & 1);
}
