/** Names that are shown. */
const SHOWN = 3;

/**
 * Of `names` those that end as `name` does, in as many of the parts between the dots as any, or the first ones where
 * none ends so: at most three.
 */
export function nearNames(name: string, names: readonly string[]): readonly string[] {
  const parts = name.split('.').reverse();
  const common = (other: string): number => {
    const others = other.split('.').reverse();
    const end = parts.findIndex((part, i) => part !== others[i]);
    return end < 0 ? parts.length : end;
  };
  const most = names.reduce((largest, other) => Math.max(largest, common(other)), 0);
  // The last part is `weight` or `bias`, which says nothing.
  return (most < 2 ? names : names.filter((other) => common(other) === most)).slice(0, SHOWN);
}
