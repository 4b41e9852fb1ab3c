import { z } from 'zod';
import { HttpError } from '../../errors.js';
import { post, type Route } from '../../http/route.js';
import { TEI } from './request.js';

/** Routes of text-embeddings-inference that this server has nothing for, and why. */
const ROUTES = {
  '/rerank': 'the model is not a re-ranker: it gives embeddings; POST /v1/rerank puts texts in order by them',
  '/predict': 'the model is not a classifier: it gives embeddings',
  // What the contract gives here are the last hidden states, which no graph of ours has as an output. The vectors of a
  // ColBERT head are others, of the same form: they would be taken for them.
  '/embed_all':
    'hidden states of tokens are not served; of a model with a ColBERT head POST /v1/encode gives one vector a token: "heads": ["colbert"]',
} as const;

/** POST /rerank, /predict and /embed_all. */
export function teiUnsupportedRoutes(): readonly Route[] {
  return Object.entries(ROUTES).map(([path, reason]) =>
    post({
      paths: [path],
      tag: TEI,
      summary: `Refused with 424: ${reason}`,
      body: z.object({}),
      answer: z.never(),
      handle: () => Promise.reject(new HttpError('unsupported_head', reason)),
    }),
  );
}
