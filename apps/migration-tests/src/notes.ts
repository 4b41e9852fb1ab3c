const GOODS = [
  'copper pipe',
  'desk lamps',
  'printer paper',
  'winter tyres',
  'roasted coffee',
  'garden hoses',
  'oak boards',
  'glass jars',
  'phone chargers',
  'wool blankets',
  'paint rollers',
];
const PLACES = [
  'shelf A3',
  'the north gate',
  'cold room 2',
  'the loading ramp',
  'aisle 14',
  'the returns desk',
  'pallet 77',
];
const PEOPLE = ['the early shift', 'Mrs Okafor', 'the driver', 'the second shift', 'Jonas'];

/**
 * The text of a note that the application writes: far from every question of the corpus, so that notes do not stand
 * among the answers.
 */
export function noteText(i: number): string {
  return `Note ${i}: ${(i * 7) % 90} boxes of ${GOODS[i % GOODS.length]} left at ${PLACES[i % PLACES.length]}, counted by ${PEOPLE[i % PEOPLE.length]}.`;
}
