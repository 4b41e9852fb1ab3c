/** Servers share what is compiled, as specs do. Fixtures alone may take what is made for tests. */
export { holdWebAssembly } from '@kimera/testing';
