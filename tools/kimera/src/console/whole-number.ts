import { InvalidArgumentError } from 'commander';

/** Parser of an option that takes a whole number from 1 on. */
export function wholeNumber(option: string, limit = 1_000_000_000): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < 1 || number > limit)
      throw new InvalidArgumentError(`${option} takes a whole number from 1 to ${limit}.`);
    return number;
  };
}
