export {
  ACTIVATION_NAMES,
  ACTIVATIONS,
  FEED_FORWARD_ACTIVATIONS,
  type Activation,
  type FeedForwardActivation,
} from './activation.js';
export { embedTexts, type ReferenceEncoder, type ReferenceOutput, type ReferenceText } from './embed-texts.js';
export { positionLimit, type EncoderShape } from './encoder-shape.js';
export type { WeightReader } from './forward-pass.js';
export type { WeightSlices } from './linear.js';
export { denseName, LEFT_OUT, NORM_FLOOR, SUM_FLOOR, type AfterPooling, type ModuleChain } from './pooling.js';
export { LAST_DISTANCE, RELATIVE_BUCKETS, relativeBucket } from './relative-bias.js';
export type { TokenHeads } from './token-heads.js';
export { compareWitness, type WitnessedFolder, type WitnessLine } from './witness/compare-witness.js';
export { readWitness, type Witness } from './witness/read-witness.js';
