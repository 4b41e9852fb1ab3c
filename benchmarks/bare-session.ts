import type { InferenceSession as Session, Tensor as Numbers } from 'onnxruntime-node';

// Before the library is loaded: else it sends what is loaded to its makers (packages/backend-onnx/src/no-telemetry.ts).
process.env['ORT_DISABLE_TELEMETRY'] = '1';
export const { InferenceSession, Tensor } = await import('onnxruntime-node');

/** As Kimera opens it. @param intraOp whether and how long threads spin, in ONNX Runtime's own words. */
export function openSession(graph: string, threads: number, intraOp: Record<string, string>): Promise<Session> {
  return InferenceSession.create(graph, {
    graphOptimizationLevel: 'basic',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: { session: { force_spinning_stop: '1', set_denormal_as_zero: '1', intra_op: intraOp } },
  });
}

export function int64(values: readonly number[], dims: readonly number[] = [values.length]): Numbers {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
}

/** What a fast graph takes for B texts of T tokens each. @param ids [B · T]. */
export function fastGraphFeeds(ids: readonly number[], texts: number, tokens: number): Record<string, Numbers> {
  return {
    input_ids: int64(ids),
    token_places: int64(ids.map((_, i) => i % tokens)),
    groups: int64([texts, tokens], [1, 2]),
  };
}
