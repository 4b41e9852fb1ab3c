import { MEASURE_MODEL } from './child-programs.js';
import { z } from 'zod';
import { runProcess } from './processes.js';

const speedSchema = z.object({
  texts: z.number(),
  loadSeconds: z.number(),
  textsPerSecond: z.number(),
  tokensPerSecond: z.number(),
  /** Of one question, alone. */
  p50Milliseconds: z.number(),
  p95Milliseconds: z.number(),
  /** Resident set of the whole process. */
  peakMegabytes: z.number(),
});
export type Speed = z.infer<typeof speedSchema>;

/** Measures a model in a process of its own. */
export async function measureSpeed(modelFolder: string, texts: number): Promise<Speed> {
  const { output } = await runProcess(MEASURE_MODEL, [modelFolder, String(texts)]);
  return speedSchema.parse(JSON.parse(output));
}
