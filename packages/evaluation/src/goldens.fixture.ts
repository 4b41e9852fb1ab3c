import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(fileURLToPath(import.meta.url), '../../../../fixtures/similarity');

type Numbers = readonly number[];
type Scores = Readonly<Record<string, number>>;
type PerQuery = Readonly<Record<string, Scores>>;

/** An array as the goldens write it: base64 of little-endian numbers. */
export interface GoldenArray {
  readonly dtype: 'float32' | 'float64';
  readonly shape: readonly [number, number];
  readonly data: string;
}

export interface CorrelationGoldens {
  readonly cases: readonly {
    readonly name: string;
    readonly a: Numbers;
    readonly b: Numbers;
    readonly spearman: number | null;
    readonly pearson: number | null;
    readonly kendall_tau_b: number | null;
    readonly ranks_a: Numbers;
  }[];
}
export interface RankingGoldens {
  readonly cases: readonly {
    readonly name: string;
    readonly qrels: PerQuery;
    readonly run: PerQuery;
    readonly pytrec_eval_per_query: PerQuery;
    readonly ir_measures_mean: Scores;
    readonly order_used_by_trec_eval: Readonly<Record<string, readonly string[]>>;
    readonly exponential_gain_ndcg: PerQuery;
  }[];
  readonly sklearn_ties: {
    readonly relevance: Numbers;
    readonly scores: Numbers;
    readonly 'ndcg@3': number;
    readonly ndcg: number;
  };
}
export interface ResamplingGoldens {
  readonly paired: readonly {
    readonly name: string;
    readonly old: Numbers;
    readonly new: Numbers;
    readonly mean_difference: number;
    readonly sign_flip_exact: {
      readonly p_two_sided_abs: number;
      readonly p_greater: number;
      readonly p_less: number;
      readonly scipy_permutation_test: { readonly 'two-sided': number };
    };
    readonly bootstrap_exact?: {
      readonly resamples: number;
      readonly mean: number;
      readonly std: number;
      readonly quantiles_inverted_cdf: Scores;
      readonly quantiles_linear: Scores;
    };
  }[];
  readonly larger: {
    readonly old: Numbers;
    readonly new: Numbers;
    readonly mean_difference: number;
    readonly standard_error_bootstrap_limit: number;
    readonly scipy_percentile_90_of_20000: readonly [number, number];
  };
  readonly mcnemar_exact: readonly {
    readonly old_hit_new_miss: number;
    readonly old_miss_new_hit: number;
    readonly p_two_sided: number;
    readonly p_new_better: number;
  }[];
  readonly multiple_testing: readonly {
    readonly p: Numbers;
    readonly holm: Numbers;
    readonly benjamini_hochberg: Numbers;
  }[];
}
interface EvidenceGolden {
  readonly logE: number;
  readonly decidedAfter: number | null;
}
export interface BettingGoldens {
  readonly cases: readonly {
    readonly margin: number;
    /** The differences, in hundredths. */
    readonly hundredths: Numbers;
    readonly notWorse: EvidenceGolden;
    readonly worse: EvidenceGolden;
  }[];
}
export interface OverlapGoldens {
  readonly even: readonly {
    readonly name: string;
    readonly a: readonly string[];
    readonly b: readonly string[];
    readonly rbo_ext: Scores;
    readonly rbo_truncated_sum: Scores;
  }[];
  readonly uneven: readonly {
    readonly name: string;
    readonly a: readonly string[];
    readonly b: readonly string[];
    readonly rbo_ext_of_package_rbo: Scores;
  }[];
}
export interface AlignmentGoldens {
  readonly A: GoldenArray;
  readonly B: GoldenArray;
  readonly procrustes: readonly {
    readonly name: string;
    readonly centred: boolean;
    readonly Q: GoldenArray;
    readonly singular_values: Numbers;
    readonly residual_frobenius: number;
    readonly first_3_mapped: GoldenArray;
    readonly mean_cosine_mapped_vs_target: number;
  }[];
  readonly ridge: readonly { readonly lambda: number; readonly W: GoldenArray }[];
  readonly cka: readonly { readonly name: string; readonly linear_cka: number; readonly Y?: GoldenArray }[];
  readonly neighbour_overlap_at_10: {
    readonly mean_overlap: number;
    readonly mean_jaccard: number;
    readonly first_5: readonly Numbers[];
    readonly first_5_B: readonly Numbers[];
  };
}

/** What each file holds. */
interface Goldens {
  readonly correlation: CorrelationGoldens;
  readonly ranking: RankingGoldens;
  readonly resampling: ResamplingGoldens;
  readonly betting: BettingGoldens;
  readonly rbo: OverlapGoldens;
  readonly alignment: AlignmentGoldens;
}

/** A file of fixtures/similarity, which is our own: its shape is known. */
export function golden<Name extends keyof Goldens>(name: Name): Goldens[Name] {
  const value: unknown = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  return value as Goldens[Name];
}

/** The array by rows. */
export function rowsOf({ dtype, shape: [rows, columns], data }: GoldenArray): readonly Float64Array[] {
  const { buffer } = Uint8Array.from(Buffer.from(data, 'base64'));
  const values = Float64Array.from(dtype === 'float32' ? new Float32Array(buffer) : new Float64Array(buffer));
  return Array.from({ length: rows }, (_, row) => values.slice(row * columns, (row + 1) * columns));
}
