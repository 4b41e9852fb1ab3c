/** Texts of the probes of a static model: short and long, several scripts, an empty one. Self-written. */
export const PROBE_TEXTS: readonly string[] = [
  '',
  'A man is playing a guitar.',
  'The capital of France is Paris.',
  'what is the capital of france?',
  'the of and',
  'Der Vertrag wurde gestern in Wien unterschrieben.',
  '这家餐厅的面条很好吃。',
  'naïve café — 10 € for 2½ hours 🙂',
  'PostgreSQL stores each vector beside its row; an index over half a million of them answers in a few milliseconds, and a query that has to read every row takes about a second on the same machine.',
];

/** More texts on which the fidelity of an 8-bit table is measured. Self-written. */
export const FIDELITY_TEXTS: readonly string[] = [
  'hello',
  'How do I reset my password?',
  'The invoice of 3 March is still unpaid.',
  'She sold the house and moved to the coast.',
  'Two dogs run across a wet field.',
  'to be or not to be',
  'The committee rejected the proposal by a narrow margin.',
  'SELECT count(*) FROM orders WHERE total > 100;',
  'Wie lange dauert die Lieferung nach Österreich?',
  'La reunión se aplazó hasta el lunes.',
  'Les feuilles tombent en automne.',
  'Он починил велосипед за полчаса.',
  '我们明天早上八点出发。',
  'x',
  '12:45 → 13:10, platform 7b',
  'Photosynthesis turns light, water and carbon dioxide into sugar and oxygen; most of it happens in the leaves.',
  'The patient reported headaches for three weeks, worse in the morning, without fever, and no longer answered to the usual painkillers.',
];
