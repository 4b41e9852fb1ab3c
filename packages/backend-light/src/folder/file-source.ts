/** Files of a model by their name in its folder: on a disk, behind a URL, in memory. */
export interface FileSource {
  /** For messages, and the model's id where nothing else names it. */
  readonly name: string;
  /** The bytes of a file, or undefined where there is none of that name. */
  read(file: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
}
