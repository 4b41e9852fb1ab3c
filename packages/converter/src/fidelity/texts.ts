import type { Role } from '@kimera/core';

/** Texts of the probes: short and long, several scripts, an empty one, and both roles. Self-written. */
export const PROBE_TEXTS: readonly { readonly text: string; readonly role: Role | null }[] = [
  { text: '', role: null },
  { text: 'A man is playing a guitar.', role: null },
  { text: 'The capital of France is Paris.', role: 'document' },
  { text: 'what is the capital of france?', role: 'query' },
  { text: 'Der Vertrag wurde gestern in Wien unterschrieben.', role: 'document' },
  { text: 'Какая погода будет завтра?', role: 'query' },
  { text: '这家餐厅的面条很好吃。', role: 'document' },
  { text: 'ما هي أعراض نقص الحديد؟', role: 'query' },
  { text: 'naïve café — 10 € for 2½ hours 🙂', role: null },
  {
    text: 'PostgreSQL stores each vector beside its row; an index over half a million of them answers in a few milliseconds, and a query that has to read every row takes about a second on the same machine.',
    role: 'document',
  },
];

/** Held-out texts on which the fidelity of a variant is measured. Self-written; none is a probe. */
export const FIDELITY_TEXTS: readonly string[] = [
  'hello',
  'How do I reset my password?',
  'The invoice of 3 March is still unpaid.',
  'She sold the house and moved to the coast.',
  'Two dogs run across a wet field.',
  'The committee rejected the proposal by a narrow margin.',
  'SELECT count(*) FROM orders WHERE total > 100;',
  'Wie lange dauert die Lieferung nach Österreich?',
  'La reunión se aplazó hasta el lunes.',
  'Les feuilles tombent en automne.',
  'Он починил велосипед за полчаса.',
  '我们明天早上八点出发。',
  '電車が遅れているので、少し待ってください。',
  'هذا الكتاب صعب القراءة.',
  'नई दिल्ली भारत की राजधानी है।',
  'Chất lượng không khí hôm nay rất tốt.',
  'x',
  '12:45 → 13:10, platform 7b',
  'Photosynthesis turns light, water and carbon dioxide into sugar and oxygen; most of it happens in the leaves.',
  'The patient reported headaches for three weeks, worse in the morning, without fever, and no longer answered to the usual painkillers.',
];
