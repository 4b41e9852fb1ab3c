import { z } from 'zod';

/** A field that may be left out. One that is null is left out: many clients send null for what they do not set. */
export function optional<T>(schema: z.ZodType<T>): z.ZodType<T | undefined> {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** The same with the value that it has where it is left out. */
export function withUsual<T extends string | number | boolean>(schema: z.ZodType<T>, usual: T): z.ZodType<T> {
  return schema
    .nullish()
    .transform((value) => value ?? usual)
    .meta({ usual });
}

/** The end at which a text beyond the limit is cut, in any case. */
export const truncationDirection = optional(
  z
    .string()
    .regex(/^(?:[Ll][Ee][Ff][Tt]|[Rr][Ii][Gg][Hh][Tt])$/, '"left" or "right"')
    .transform((side) => (side.toLowerCase() === 'left' ? 'left' : 'right')),
).describe('The end at which texts are cut: left or right, in any case; default: that of the model');
