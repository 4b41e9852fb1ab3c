import { bytesOf } from './vector-bytes.js';

/** Of the header that says which inputs were cut: `0-3,7`, or `bits:` and the base64 of one bit an input. */
export function truncatedIn(header: string | null): (index: number) => boolean {
  const text = header ?? '';
  if (text.startsWith('bits:')) {
    const bytes = bytesOf(text.slice('bits:'.length)) ?? new Uint8Array();
    return (index) => (((bytes[index >> 3] ?? 0) >> (index % 8)) & 1) === 1;
  }
  const ranges = text
    .split(',')
    .filter((range) => range !== '')
    .map((range) => range.split('-').map(Number));
  return (index) => ranges.some(([first = NaN, last = first]) => index >= first && index <= last);
}
