import { showFigure, type Comparison } from './published-row.js';

export function compareFigure(published: number, yours: number, tolerance: number): Comparison {
  return { yours: showFigure(yours), holds: Math.abs(yours - published) <= tolerance };
}

export function compareShape(published: readonly number[], yours: readonly number[]): Comparison {
  return { yours: yours.join(' × '), holds: published.join() === yours.join() };
}

/** By the largest difference over the token ids of both; an id that one of them lacks has the weight 0 there. */
export function compareWeights(
  published: ReadonlyMap<number, number>,
  yours: ReadonlyMap<number, number>,
  tolerance: number,
): Comparison {
  const difference = (id: number): number => Math.abs((yours.get(id) ?? 0) - (published.get(id) ?? 0));
  const ids = [...new Set([...published.keys(), ...yours.keys()])].sort((a, b) => difference(b) - difference(a));
  const [worst] = ids;
  const size = `${yours.size} weights`;
  if (worst === undefined) return { yours: size, holds: true };
  const found = `${size}, off by at most ${difference(worst).toExponential(1)}`;
  if (ids.every((id) => difference(id) <= tolerance)) return { yours: found, holds: true };
  return {
    yours: `${found}: token ${worst} has ${showFigure(yours.get(worst) ?? 0)}, published ${showFigure(published.get(worst) ?? 0)}`,
    holds: false,
  };
}
