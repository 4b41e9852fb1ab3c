import { quoted } from './identifier.js';

export type Operator = '<->' | '<#>' | '<=>';

/** The extension of a database, and how SQL names what it defines, whatever the search path is. */
export class Pgvector {
  constructor(
    /** Not quoted: `public`, `extensions`. */
    readonly schema: string,
    /** `0.8.5` */
    readonly version: string,
  ) {}

  /** A type, a function or an operator class: `"extensions"."vector"`. */
  name(name: string): string {
    return quoted(this.schema, name);
  }

  /** `OPERATOR("extensions".<=>)` */
  operator(sign: Operator): string {
    return `OPERATOR(${quoted(this.schema)}.${sign})`;
  }
}
