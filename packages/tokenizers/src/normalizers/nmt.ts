/** Code points that Nmt drops, and those that become a space (tokenizers 0.22 normalizers/unicode.rs `do_nmt`). */
const DROPPED: readonly (readonly [number, number])[] = [
  [0x01, 0x08],
  [0x0b, 0x0b],
  [0x0e, 0x1f],
  [0x7f, 0x7f],
  [0x8f, 0x8f],
  [0x9f, 0x9f],
];
const SPACES: readonly (readonly [number, number])[] = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x1680, 0x1680],
  [0x200b, 0x200f],
  [0x2028, 0x2029],
  [0x2581, 0x2581],
  [0xfeff, 0xfeff],
  [0xfffd, 0xfffd],
];

export function nmt(codePoint: number): string {
  const within = ([first, last]: readonly [number, number]): boolean => codePoint >= first && codePoint <= last;
  if (DROPPED.some(within)) return '';
  return SPACES.some(within) ? ' ' : String.fromCodePoint(codePoint);
}
