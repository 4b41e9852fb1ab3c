import { gelu } from './float64.js';

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

/** Activations of sentence-transformers' Dense module, each as torch's class without arguments computes it. */
export const ACTIVATIONS = {
  identity: (x) => x,
  tanh: (x) => x.map(Math.tanh),
  relu: (x) => x.map((value) => Math.max(0, value)),
  gelu,
  sigmoid: (x) => x.map(sigmoid),
  silu: (x) => x.map((value) => value * sigmoid(value)),
} as const satisfies Readonly<Record<string, (x: Float64Array) => Float64Array>>;

export type Activation = keyof typeof ACTIVATIONS;
