import type { TensorSource } from '@kimera/tensor-file';

/** The tensors of a checkpoint and of its modules as one source: those of a module are named `MODULE/NAME`. */
export function joinTensors(main: TensorSource, modules: ReadonlyMap<string, TensorSource>): TensorSource {
  const locate = (name: string): readonly [TensorSource, string] => {
    for (const [module, source] of modules)
      if (name.startsWith(`${module}/`)) return [source, name.slice(module.length + 1)];
    return [main, name];
  };
  const of = <T>(name: string, use: (source: TensorSource, local: string) => T): T => use(...locate(name));
  return {
    names: [
      ...main.names,
      ...[...modules].flatMap(([module, source]) => source.names.map((name) => `${module}/${name}`)),
    ],
    entry: (name) => of(name, (source, local) => source.entry(local)),
    shape: (name) => of(name, (source, local) => source.shape(local)),
    location: (name) => of(name, (source, local) => source.location(local)),
    bytes: (name, range, memory) => of(name, (source, local) => source.bytes(local, range, memory)),
    read: (name, range) => of(name, (source, local) => source.read(local, range)),
    slices: (name) => of(name, (source, local) => source.slices(local)),
    async close() {
      for (const source of [main, ...modules.values()]) await source.close();
    },
  };
}
