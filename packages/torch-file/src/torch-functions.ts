import { PickleDict, PickleGlobal, PickleList, PickleTuple, TorchTensor, type PickleValue } from './pickle-values.js';
import { rebuildTensor } from './rebuild-tensor.js';
import { DTYPES } from './torch-types.js';

/**
 * What a name of the allow-list makes of its arguments when a pickle calls it; undefined where the arguments are wrong.
 * @param file for messages. @param set puts a key and its value into a dict, within the pickle's limits.
 */
type TorchFunction = (
  items: readonly PickleValue[],
  file: string,
  set: (dict: PickleDict, pair: readonly PickleValue[]) => void,
) => PickleValue | undefined;

/** Protocol 2 writes a set as a list and a call. */
const set: TorchFunction = (items) => (items.length === 1 && items[0] instanceof PickleList ? items[0] : undefined);

/** The functions and classes among the allowed names. */
export const TORCH_FUNCTIONS: Readonly<Partial<Record<string, TorchFunction>>> = {
  'collections.OrderedDict': (items, _file, put) => {
    const [first] = items;
    if (items.length === 0) return new PickleDict();
    if (items.length !== 1 || !(first instanceof PickleList)) return undefined;
    const dict = new PickleDict();
    for (const pair of first.items) {
      const parts = pair instanceof PickleTuple || pair instanceof PickleList ? pair.items : [];
      if (parts.length !== 2) return undefined;
      put(dict, parts);
    }
    return dict;
  },
  '__builtin__.set': set,
  'builtins.set': set,
  // Protocol 2 writes bytes as a Latin-1 string and this call.
  '_codecs.encode': ([text, encoding, ...rest]) =>
    typeof text === 'string' && encoding === 'latin1' && rest.length === 0
      ? Uint8Array.from(Buffer.from(text, 'latin1'))
      : undefined,
  'torch.Size': (items) => (items.length === 1 && items[0] instanceof PickleTuple ? items[0] : undefined),
  'torch._utils._rebuild_tensor': (items, file) =>
    items.length === 4 ? rebuildTensor(file, items, undefined) : undefined,
  'torch._utils._rebuild_tensor_v2': (items, file) =>
    items.length === 6 || items.length === 7 ? rebuildTensor(file, items, undefined) : undefined,
  'torch._utils._rebuild_tensor_v3': (items, file) => {
    const dtype = items[6];
    const type = dtype instanceof PickleGlobal && dtype.module === 'torch' ? DTYPES[dtype.name] : undefined;
    return type === undefined || items.length > 8 ? undefined : rebuildTensor(file, items, type);
  },
  'torch._utils._rebuild_parameter': (items) =>
    items.length === 3 && items[0] instanceof TorchTensor ? items[0] : undefined,
};
