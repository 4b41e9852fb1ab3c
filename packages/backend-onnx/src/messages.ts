export interface WorkerData {
  /** Of the fast graph. */
  readonly graphPath: string;
  readonly intraOpThreads: number;
}
/** B texts of T tokens each. */
export interface GroupRequest {
  readonly ids: Int32Array;
  readonly texts: number;
  readonly tokens: number;
}
/** [B, D]. */
export interface GroupResponse {
  readonly dense: Float32Array;
}
