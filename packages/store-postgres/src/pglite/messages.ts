/** What the thread is started with. */
export interface PGliteThreadData {
  /** Of the database; created where it is not there. */
  readonly dataFolder: string;
  readonly password: string;
  /** 0: a free one. */
  readonly port: number;
}

/** From the thread. `failed` where the database could not be opened; after `died` the thread ends. */
export type PGliteThreadMessage =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'died'; readonly reason: string };

/** To the thread, which closes the database and ends. */
export const STOP = 'stop';
