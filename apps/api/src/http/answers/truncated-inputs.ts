/** Characters of the list at most. Clients take some 16 KB of headers in all; the bits of 8,192 inputs are 1,372. */
const LONGEST_LIST = 1_024;

/**
 * Which inputs were cut, for a header: their indexes, those in a row as a range (`0-3,7`); empty where none was. A list
 * that would be too long for a header is written as `bits:` and the base64 of one bit an input: that of input i is bit
 * i % 8 (1 is the lowest) of byte i / 8.
 */
export function truncatedInputs(inputs: readonly { readonly truncated: boolean }[]): string {
  const list = rangesOf(inputs);
  return list.length <= LONGEST_LIST ? list : `bits:${bitsOf(inputs)}`;
}

function rangesOf(inputs: readonly { readonly truncated: boolean }[]): string {
  const ranges: string[] = [];
  let first: number | undefined;
  for (let index = 0; index <= inputs.length; index += 1) {
    if (inputs[index]?.truncated === true) first ??= index;
    else if (first !== undefined) {
      ranges.push(first === index - 1 ? String(first) : `${first}-${index - 1}`);
      first = undefined;
    }
  }
  return ranges.join(',');
}

function bitsOf(inputs: readonly { readonly truncated: boolean }[]): string {
  const bytes = Buffer.alloc(Math.ceil(inputs.length / 8));
  for (const [index, { truncated }] of inputs.entries())
    if (truncated) bytes.writeUInt8(bytes.readUInt8(index >> 3) | (1 << (index % 8)), index >> 3);
  return bytes.toString('base64');
}
