/** Ranks from 1 on in ascending order; equal values share the mean of their ranks, and 0 equals −0. */
export function averageRanks(values: ArrayLike<number>): readonly number[] {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => (values[a] as number) - (values[b] as number),
  );
  const ranks = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end] as number] === values[order[start] as number]) end++;
    for (const item of order.slice(start, end)) ranks[item] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}
