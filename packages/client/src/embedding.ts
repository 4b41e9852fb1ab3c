declare const spaceName: unique symbol;

/**
 * The fingerprint of a space, SHA-256 in hexadecimal. `Name` is what the program calls the space, so that vectors of two
 * spaces do not mix at compile time; it is checked against nothing at run time, where the fingerprint counts.
 */
export type Fingerprint<Name extends string = string> = string & { readonly [spaceName]: (name: Name) => Name };

/** How a number of a vector is written; each is a space of its own. `binary` and `ubinary` hold eight numbers a byte. */
export interface VectorTypes {
  readonly float: Float32Array;
  readonly int8: Int8Array;
  readonly uint8: Uint8Array;
  readonly binary: Int8Array;
  readonly ubinary: Uint8Array;
}
export type VectorType = keyof VectorTypes;

export interface Embedding<Name extends string = string, Type extends VectorType = 'float'> {
  readonly dense: VectorTypes[Type];
  /** How its numbers are written. */
  readonly type: Type;
  /** Numbers that it stands for, which its bytes do not tell where they hold eight each. */
  readonly dimension: number;
  readonly space: Fingerprint<Name>;
  /** The name of the model that answered. */
  readonly model: string;
  /** Whether the text was cut at the model's limit. */
  readonly truncated: boolean;
}

/** All heads of a text. What was not asked for is absent. */
export interface EncodedText<Name extends string = string, Type extends VectorType = 'float'> {
  readonly dense?: VectorTypes[Type];
  /** Of `dense`, as in {@link Embedding}. */
  readonly type?: Type;
  readonly dimension?: number;
  /** Token id → weight. */
  readonly sparse?: ReadonlyMap<number, number>;
  /** One vector a token. */
  readonly colbert?: readonly Float32Array[];
  readonly space: Fingerprint<Name>;
  readonly model: string;
  /** Tokens that the model saw, and those of the whole text. */
  readonly tokens: number;
  readonly totalTokens: number;
  readonly truncated: boolean;
}

/** A text that has no vectors; the others of its batch have theirs. */
export interface RefusedText {
  readonly error: { readonly code: string; readonly message: string };
}
