import type { z } from 'zod';

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
