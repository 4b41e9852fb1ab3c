/**
 * How often the quality gate errs and decides, by simulation: at one look and over ten, for no loss and true losses of δ
 * and 2δ, for distributions as differences of nDCG@10 have them. Beside it: a test made for one look, asked ten times,
 * and the bounds that were not chosen. Prints the tables of docs/statistics.md.
 */
import { bettingTest, createRandom, LEVEL, queriesToDecide, type Random } from '@kimera/evaluation';
import { machineLines, table } from './machine.js';

const MARGIN = 0.02;
const MIGRATIONS = Number(process.argv[2] ?? 4_000);
/** The first look has the advised number, each of nine more adds a hundred. */
const LOOKS = 10;
const MORE = 100;
const Z95 = 1.6448536269514722;

/** A discrete distribution of one query's difference. */
interface Distribution {
  readonly name: string;
  readonly values: readonly number[];
  readonly chances: readonly number[];
}

/** nDCG@10 of a query with one right answer, at each rank, and with none. */
const GAINS = [...Array.from({ length: 10 }, (_, rank) => 1 / Math.log2(rank + 2)), 0];

function normal(sigma: number): Distribution {
  const values = Array.from({ length: 401 }, (_, i) => -1 + i / 200);
  return { name: `normal, σ ${sigma}`, values, chances: values.map((value) => Math.exp(-0.5 * (value / sigma) ** 2)) };
}

const DISTRIBUTIONS: readonly Distribution[] = [
  normal(0.1),
  normal(0.25),
  normal(0.35),
  { name: 'none in 75 %, else ±½', values: [-0.5, 0, 0.5], chances: [0.125, 0.75, 0.125] },
  {
    name: 'none in 60 %, else two ranks at random',
    values: [0, ...GAINS.flatMap((after) => GAINS.map((before) => after - before))],
    chances: [0.6, ...GAINS.flatMap(() => GAINS.map(() => 0.4 / GAINS.length ** 2))],
  },
  { name: 'skewed: 3 % lose 1, 30 % gain 0.1', values: [-1, 0, 0.1], chances: [0.03, 0.67, 0.3] },
  { name: 'skewed: 3 % gain 1, 30 % lose 0.1', values: [1, 0, -0.1], chances: [0.03, 0.67, 0.3] },
  { name: 'rare: 1 % ±1', values: [-1, 0, 1], chances: [0.01, 0.98, 0.01] },
];

/** The nearest distribution with this mean: chances times e^(t · value). */
function withMean({ values, chances }: Distribution, mean: number): { values: readonly number[]; upTo: Float64Array } {
  const tilted = (t: number): readonly number[] => {
    const weights = values.map((value, i) => (chances[i] ?? 0) * Math.exp(t * value));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  };
  const meanOf = (shares: readonly number[]): number =>
    shares.reduce((sum, share, i) => sum + share * (values[i] ?? 0), 0);
  let [low, high] = [-60, 60];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (meanOf(tilted(middle)) < mean) low = middle;
    else high = middle;
  }
  let sum = 0;
  return { values, upTo: Float64Array.from(tilted(low), (share) => (sum += share)) };
}

function draw({ values, upTo }: ReturnType<typeof withMean>, random: Random, count: number): Float64Array {
  return Float64Array.from({ length: count }, () => {
    const at = random.next() / 2 ** 32;
    let [low, high] = [0, upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] ?? 1) > at) high = middle;
      else low = middle + 1;
    }
    return values[low] ?? 0;
  });
}

function deviation(distribution: Distribution, mean: number): number {
  const { values, upTo } = withMean(distribution, mean);
  return Math.sqrt(
    values.reduce(
      (sum, value, i) => sum + ((upTo[i] ?? 0) - (i === 0 ? 0 : (upTo[i - 1] ?? 0))) * (value - mean) ** 2,
      0,
    ),
  );
}

/** Queries after which a bound says GO; Infinity where it does not. */
type Bound = (differences: Float64Array) => number;

const betting: Bound = (differences) => bettingTest(differences, MARGIN).notWorse.decidedAfter ?? Infinity;

/** Predictable plug-in empirical Bernstein (Waudby-Smith & Ramdas 2023, theorem 2), of scores scaled to [0, 1]. */
const bernstein: Bound = (differences) => {
  const alpha = Math.log(1 / LEVEL);
  let [sum, squares, weights, weighted, paid] = [0, 0, 0, 0, 0];
  for (let i = 0; i < differences.length; i++) {
    const x = ((differences[i] ?? 0) + 1) / 2;
    const centre = (sum + 0.5) / (i + 1);
    const variance = (squares + 0.25) / (i + 1);
    const stake = Math.min(0.5, Math.sqrt((2 * alpha) / (variance * (i + 1) * Math.log(i + 2))));
    weights += stake;
    weighted += stake * x;
    paid += (x - centre) ** 2 * (-Math.log1p(-stake) - stake);
    if ((weighted - alpha - paid) / weights > (1 - MARGIN) / 2) return i + 1;
    sum += x;
    squares += (x - (sum + 0.5) / (i + 2)) ** 2;
  }
  return Infinity;
};

/** A mean above −δ by `factor(look)` standard errors, asked at each of these numbers. */
const atLooks =
  (looks: readonly number[], factor: (look: number) => number): Bound =>
  (differences) => {
    let [sum, squares, done] = [0, 0, 0];
    for (const [look, queries] of looks.entries()) {
      for (; done < queries; done++) {
        const value = differences[done] ?? 0;
        sum += value;
        squares += value * value;
      }
      const error = Math.sqrt((squares - (sum * sum) / queries) / (queries - 1) / queries);
      if (sum / queries + MARGIN > factor(look + 1) * error) return queries;
    }
    return Infinity;
  };

const percent = (count: number): string => `${((100 * count) / MIGRATIONS).toFixed(1)} %`;
const within = (decided: readonly number[], queries: number): number => decided.filter((at) => at <= queries).length;

function simulate<T>(
  distribution: Distribution,
  loss: number,
  queries: number,
  judge: (d: Float64Array) => T,
): readonly T[] {
  const random = createRandom(Math.round(loss * 1_000) + 1);
  const source = withMean(distribution, -loss);
  return Array.from({ length: MIGRATIONS }, () => judge(draw(source, random, queries)));
}

function rates(distribution: Distribution): readonly (string | number)[] {
  const advised = queriesToDecide({ standardDeviation: deviation(distribution, 0), margin: MARGIN });
  const last = advised + (LOOKS - 1) * MORE;
  const [none, atMargin, twice] = [0, MARGIN, 2 * MARGIN].map((loss) => {
    const tests = simulate(distribution, loss, last, (differences) => bettingTest(differences, MARGIN));
    return {
      go: tests.map(({ notWorse }) => notWorse.decidedAfter ?? Infinity),
      noGo: tests.map(({ worse }) => worse.decidedAfter ?? Infinity),
    };
  });
  if (none === undefined || atMargin === undefined || twice === undefined) return [];
  return [
    distribution.name,
    advised,
    percent(within(none.go, advised)),
    percent(within(none.go, last)),
    percent(within(none.noGo, last)),
    percent(within(atMargin.go, advised)),
    percent(within(atMargin.go, last)),
    percent(within(atMargin.noGo, last)),
    percent(within(twice.go, last)),
    percent(within(twice.noGo, last)),
  ];
}

/** The bounds side by side: σ 0.25 as in the first report of the fault. */
function compared(): string {
  const distribution = DISTRIBUTIONS[3] as Distribution;
  const sigma = deviation(distribution, 0);
  const once = Math.ceil(((Z95 + 1.0364333894937898) * (sigma / MARGIN)) ** 2);
  const longest = 6_000;
  const hundreds = Array.from({ length: LOOKS }, (_, look) => (look + 1) * MORE);
  const planned = (most: number): readonly number[] =>
    Array.from({ length: LOOKS }, (_, look) => Math.round((most * (look + 1)) / LOOKS));
  // O'Brien & Fleming's bound for ten looks at 5 % (Jennison & Turnbull 1999, table 2.3): 1.801 · √(10 / look).
  const flemingMost = Math.ceil(once * 1.1);
  const bounds: readonly (readonly [string, Bound, number])[] = [
    ['a test for one look, asked once', atLooks([once], () => Z95), once],
    ['the same, asked ten times, each with 100 more', atLooks(hundreds, () => Z95), LOOKS * MORE],
    [
      "group sequential: O'Brien & Fleming, ten equal looks fixed in advance",
      atLooks(planned(flemingMost), (look) => 1.801 * Math.sqrt(LOOKS / look)),
      flemingMost,
    ],
    ['empirical Bernstein, at every query', bernstein, longest],
    ['betting, at every query (chosen)', betting, longest],
  ];
  const rows = bounds.map(([name, bound, queries]) => {
    const [none, atMargin, twice] = [0, MARGIN, 2 * MARGIN].map((loss) => simulate(distribution, loss, queries, bound));
    const sorted = [...(none ?? [])].sort((a, b) => a - b);
    const share = (part: number): string => {
      const at = sorted[Math.ceil(part * MIGRATIONS) - 1] ?? Infinity;
      return at === Infinity ? 'not reached' : String(at);
    };
    return [
      name,
      share(0.5),
      share(0.85),
      queries,
      percent(within(atMargin ?? [], queries)),
      percent(within(twice ?? [], queries)),
    ];
  });
  return table(
    ['bound', 'n for 50 % GO at no loss', 'n for 85 %', 'queries at most', 'ever GO at a loss of δ', 'ever GO at 2δ'],
    rows,
  );
}

for (const line of machineLines()) console.log(line);
const error = (share: number): string => (100 * Math.sqrt((share * (1 - share)) / MIGRATIONS)).toFixed(2);
console.log(
  `- ${MIGRATIONS} simulated migrations a figure: standard error ${error(0.05)} points at 5 %, ${error(0.85)} at 85 %, ${error(0.01)} at 1 %; δ ${MARGIN}\n`,
);
console.log('## Rates\n');
console.log(
  table(
    [
      'difference of a query',
      'n advised',
      'no loss: GO, one look',
      'GO, ten looks',
      'NO-GO, ten looks',
      'loss δ: GO, one look',
      'GO, ten looks',
      'NO-GO, ten looks',
      'loss 2δ: GO, ten looks',
      'NO-GO, ten looks',
    ],
    DISTRIBUTIONS.map(rates),
  ),
);
console.log('\n## The choice\n');
console.log(compared());
