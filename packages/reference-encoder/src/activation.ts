import { erf, gelu } from './float64.js';

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
const each =
  (of: (value: number) => number) =>
  (x: Float64Array): Float64Array =>
    x.map(of);
const relu = (value: number): number => Math.max(0, value);
const silu = (value: number): number => value * sigmoid(value);
/** ln(1 + eˣ), without overflow. */
const softplus = (value: number): number => Math.max(0, value) + Math.log1p(Math.exp(-Math.abs(value)));
const tanhGelu = (value: number): number =>
  0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)));

/** Activations of sentence-transformers' Dense module, each as torch's class without arguments computes it. */
export const ACTIVATIONS = {
  identity: (x) => x,
  tanh: each(Math.tanh),
  relu: each(relu),
  gelu,
  sigmoid: each(sigmoid),
  silu: each(silu),
} as const satisfies Readonly<Record<string, (x: Float64Array) => Float64Array>>;

export type Activation = keyof typeof ACTIVATIONS;

/**
 * Activations of the feed-forward layers under their names in transformers 4.57.6, activations.py ACT2FN: those that
 * work on each number alone. The others, `prelu` and `xielu`, have weights. Where several names mean one function, one
 * is here; the rest are in ACTIVATION_NAMES.
 */
export const FEED_FORWARD_ACTIVATIONS = {
  gelu,
  /** Between -10 and 10. */
  gelu_10: (x) => gelu(x).map((value) => Math.min(10, Math.max(-10, value))),
  gelu_new: each(tanhGelu),
  /** gelu_new with √(2/π) cut to ten digits. */
  gelu_fast: each((value) => 0.5 * value * (1 + Math.tanh(value * 0.7978845608 * (1 + 0.044715 * value * value)))),
  quick_gelu: each((value) => value * sigmoid(1.702 * value)),
  laplace: each((value) => 0.5 * (1 + erf((value - 0.707107) / (0.282095 * Math.SQRT2)))),
  leaky_relu: each((value) => (value < 0 ? 0.01 * value : value)),
  linear: (x) => x,
  mish: each((value) => value * Math.tanh(softplus(value))),
  relu: each(relu),
  relu2: each((value) => relu(value) ** 2),
  relu6: each((value) => Math.min(6, relu(value))),
  sigmoid: each(sigmoid),
  silu: each(silu),
  tanh: each(Math.tanh),
} as const satisfies Readonly<Record<string, (x: Float64Array) => Float64Array>>;

export type FeedForwardActivation = keyof typeof FEED_FORWARD_ACTIVATIONS;

const own = Object.keys(FEED_FORWARD_ACTIVATIONS) as FeedForwardActivation[];

/** Name in a configuration → the activation. */
export const ACTIVATION_NAMES: ReadonlyMap<string, FeedForwardActivation> = new Map<string, FeedForwardActivation>([
  ...own.map((name) => [name, name] as const),
  ['gelu_python', 'gelu'],
  ['gelu_pytorch_tanh', 'gelu_new'],
  ['gelu_python_tanh', 'gelu_new'],
  ['gelu_accurate', 'gelu_new'],
  ['swish', 'silu'],
]);
