/** Texts of several lengths and scripts, for timing where none are given. Self-written. */
export const BENCH_TEXTS: readonly string[] = [
  'opening hours',
  'reset password',
  'How do I cancel my order?',
  'The train to Salzburg leaves from platform nine.',
  'Wo finde ich die Rechnung vom letzten Monat?',
  'Le musée est fermé le mardi.',
  'El paquete llegó con dos días de retraso.',
  'Как оплатить счёт картой?',
  '请问最近的药店在哪里？',
  'Water boils at a lower temperature on a mountain, since the air presses less on its surface.',
  'She had kept the letters in a tin box for forty years, and read one of them every winter.',
  'The function returns an empty list when the input is empty; it never returns null, so callers need no extra check.',
  'A lease that is not renewed ends on the last day of the month in which it was signed. Notice has to be given in writing, three months ahead.',
  'Backups run every night at two. A backup that fails is tried again after ten minutes, at most five times, and the fifth failure wakes somebody up. Restoring is tested on the first Monday of each month, on a machine that nobody uses for anything else.',
  'The bridge was planned for carts and closed to cars in 1961. Since then its eastern arch has sunk by four centimetres, which the city measures twice a year with a level that is older than the engineers who read it; nobody has found the reason, and nobody has stopped walking across.',
  'Cut the onions fine and let them soften in butter over a low flame until they are clear, which takes longer than most recipes admit. Add the flour, stir for a minute, pour in the cold milk all at once, and go on stirring until it thickens. Salt, pepper and a little nutmeg; then the cheese, off the heat, in three handfuls, each melted before the next. It keeps for two days, and it should never boil again.',
];
