/** The journey kills workers as the specs do. Fixtures alone may take what is made for tests. */
export { faultyWorker } from '@kimera/testing';
