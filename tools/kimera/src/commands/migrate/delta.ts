import { InvalidArgumentError, Option } from 'commander';

/** δ of the gate. */
export function deltaOption(description: string): Option {
  return new Option('--delta <loss>', description).argParser((value) => {
    const delta = Number(value);
    if (!(delta > 0 && delta < 1))
      throw new InvalidArgumentError(`--delta ${value}: expected a number above 0 and below 1, in nDCG@10.`);
    return delta;
  });
}
