import { z } from 'zod';

/* What settings are made of: each reads the text of a variable. */

export const whole = z.coerce
  .number('a whole number above 0')
  .int('a whole number above 0')
  .positive('a whole number above 0');

export const seconds = z.coerce
  .number('a number of seconds')
  .positive('more than 0 seconds')
  .max(86_400, 'a day at most');

/** Items separated by commas; none where the text is absent. */
export const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
