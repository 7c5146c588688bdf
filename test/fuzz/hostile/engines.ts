/** Wrong arguments for what makes engines and tensors. The text of a maker stands in a printed case. */
import type { Engine, Library } from '../api.ts';

interface Wrong {
  readonly name: string;
  /** What it gives back may stay; everything else must throw. */
  readonly may?: true;
  readonly make: (engine: Engine, lossmith: Library) => unknown;
}

const shapes: Readonly<Record<string, (engine: Engine) => unknown>> = {
  'tensor()': (engine) => (engine.tensor as () => unknown)(),
  'tensor(null)': (engine) => engine.tensor(null),
  'tensor(3)': (engine) => engine.tensor(3),
  "tensor('3')": (engine) => engine.tensor('3'),
  'tensor of a symbol': (engine) => engine.tensor([Symbol('s')]),
  'tensor of a fraction': (engine) => engine.tensor([1.5]),
  'tensor of NaN': (engine) => engine.tensor([Number.NaN]),
  'tensor of less than nothing': (engine) => engine.tensor([-1]),
  'tensor of less than nothing, twice': (engine) => engine.tensor([-1, -1]),
  'tensor of a string': (engine) => engine.tensor(['2']),
  'tensor of 2^53': (engine) => engine.tensor([2 ** 53]),
  'tensor of 1e12': (engine) => engine.tensor([1e12]),
  'tensor of 2^31 and 2^31': (engine) => engine.tensor([2 ** 31, 2 ** 31]),
  'tensor of 2^30 values': (engine) => engine.tensor([2 ** 30]),
  'tensor of a sparse shape': (engine) => engine.tensor(new Array(2 ** 31)),
  'tensor of a hole': (engine) => engine.tensor(new Array(1)),
  'tensor of a dtype': (engine) => engine.tensor([1], 'float64'),
  'tensor of a dtype by name': (engine) => engine.tensor([1], 'constructor'),
  'tensor of a symbol as dtype': (engine) => engine.tensor([1], Symbol('s')),
  'tensor of a null dtype': (engine) => engine.tensor([1], null),
};

const sources: Readonly<Record<string, (engine: Engine) => unknown>> = {
  'from()': (engine) => (engine.from as () => unknown)(),
  'from null': (engine) => engine.from(null),
  'from a string': (engine) => engine.from('abc'),
  'from a symbol': (engine) => engine.from(Symbol('s')),
  'from a function': (engine) => engine.from(() => 1),
  'from a string inside': (engine) => engine.from([1, '2']),
  'from uint32 beyond int32': (engine) => engine.from(Uint32Array.of(1, 2 ** 32 - 1)),
  'from int64 beyond int32': (engine) => engine.from(BigInt64Array.of(1n, 2n ** 40n)),
  'from a detached array': (engine) => {
    const array = Float32Array.of(1, 2, 3);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    return engine.from(array, [3]);
  },
  'from a detached array in a tensor': (engine) => {
    const array = Float32Array.of(1, 2, 3);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    return engine.from({ data: array, shape: [3] });
  },
  'from ragged rows': (engine) => engine.from([[1, 2], [3]]),
  'from itself': (engine) => {
    const list: unknown[] = [];
    list.push(list);
    return engine.from(list);
  },
  'from another size': (engine) => engine.from([1, 2, 3], [2]),
  'from a negative shape': (engine) => engine.from([1], [-1, -1]),
  'from a symbol in a shape': (engine) => engine.from([1], [Symbol('s')]),
  'from a giant sparse list': (engine) => engine.from(new Array(2 ** 32 - 1)),
  'from a data view': (engine) => engine.from(new DataView(new ArrayBuffer(8))),
  'from a freed tensor': (engine) => {
    const tensor = engine.tensor([2]);
    tensor.free();
    return engine.from(tensor);
  },
  'slice of a symbol': (engine) => {
    const tensor = engine.tensor([2]);
    try {
      return tensor.slice(Symbol('s') as unknown as number);
    } finally {
      tensor.free();
    }
  },
  'slice of a fraction': (engine) => {
    const tensor = engine.tensor([2]);
    try {
      return tensor.slice(0.5);
    } finally {
      tensor.free();
    }
  },
  'slice of no axis': (engine) => {
    const tensor = engine.tensor([]);
    try {
      return tensor.slice(0);
    } finally {
      tensor.free();
    }
  },
  'slice of a freed tensor': (engine) => {
    const tensor = engine.tensor([2]);
    tensor.free();
    return tensor.slice(0);
  },
  'data of a slice of a freed tensor': (engine) => {
    const tensor = engine.tensor([2]);
    const slice = tensor.slice(0, 1);
    tensor.free();
    return slice.data;
  },
};

const engines: Readonly<Record<string, (engine: Engine, lossmith: Library) => unknown>> = {
  'engine null': (_, lossmith) => lossmith.createEngine(null),
  'engine of a string': (_, lossmith) => lossmith.createEngine('simd'),
  'engine of an unknown option': (_, lossmith) => lossmith.createEngine({ memory: 1 }),
  'engine of another tier': (_, lossmith) => lossmith.createEngine({ tier: 'avx' }),
  'engine of a tier by name': (_, lossmith) => lossmith.createEngine({ tier: 'constructor' }),
  'engine of a symbol as tier': (_, lossmith) => lossmith.createEngine({ tier: Symbol('s') }),
  'engine deterministic: 1': (_, lossmith) => lossmith.createEngine({ deterministic: 1 }),
  'engine deterministic and scalar': (_, lossmith) => lossmith.createEngine({ deterministic: true, tier: 'scalar' }),
  'engine of 0 bytes': (_, lossmith) => lossmith.createEngine({ maximumBytes: 0 }),
  'engine of 1 byte': (_, lossmith) => lossmith.createEngine({ maximumBytes: 1 }),
  'engine of NaN bytes': (_, lossmith) => lossmith.createEngine({ maximumBytes: Number.NaN }),
  'engine of a string of bytes': (_, lossmith) => lossmith.createEngine({ maximumBytes: '1e6' }),
  'engine of a symbol of bytes': (_, lossmith) => lossmith.createEngine({ maximumBytes: Symbol('s') }),
  'engine of another module': (_, lossmith) => {
    let module: WebAssembly.Module;
    try {
      module = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    } catch {
      // a worker may compile nothing
      throw new TypeError('createEngine: there is no such module');
    }
    return lossmith.createEngine({ module });
  },
  'engine of no module': (_, lossmith) => lossmith.createEngine({ module: {} }),
  'engine of 0 threads': (_, lossmith) => lossmith.createEngine({ threads: 0 }),
  'engine of a symbol of threads': (_, lossmith) => lossmith.createEngine({ threads: Symbol('s') }),
};

/** Those that may also be taken; they must then work. */
const lenient: Readonly<Record<string, (engine: Engine, lossmith: Library) => unknown>> = {
  'engine of 1000000n bytes': (_, lossmith) => {
    const made = lossmith.createEngine({ maximumBytes: 1_000_000n });
    made.tensor([10]).free();
    try {
      made.tensor([1e6]);
    } finally {
      made.dispose();
    }
    return undefined;
  },
  'engine of 1e300 bytes': (_, lossmith) => {
    lossmith.createEngine({ maximumBytes: 1e300 }).dispose();
    return undefined;
  },
  'engine of Infinity bytes': (_, lossmith) => {
    lossmith.createEngine({ maximumBytes: Infinity }).dispose();
    return undefined;
  },
  'from data that is lost when it is read': (engine) => {
    const array = Float32Array.of(1, 2, 3);
    let reads = 0;
    const made = engine.from({
      get data() {
        if (reads++ > 0 && array.length > 0) structuredClone(array.buffer, { transfer: [array.buffer] });
        return array;
      },
      shape: [3],
    });
    made.free();
    return undefined;
  },
  'from a proxy of a tensor': (engine) => {
    const tensor = engine.tensor([2]);
    try {
      engine.from(new Proxy(tensor, {})).free();
    } finally {
      tensor.free();
    }
    return undefined;
  },
  'free twice': (engine) => {
    const tensor = engine.tensor([2]);
    tensor.free();
    tensor.free();
    return undefined;
  },
  'tensor of bigints': (engine) => {
    engine.tensor([2n]).free();
    return undefined;
  },
  'tensor of a typed shape': (engine) => {
    engine.tensor(Int32Array.of(2)).free();
    return undefined;
  },
  'slice beyond the end': (engine) => {
    const tensor = engine.tensor([2]);
    const slice = tensor.slice(-1e20, 1e20);
    if (slice.data.length !== 2) throw new Error('the slice has another length');
    tensor.free();
    return undefined;
  },
};

const list = (makers: Readonly<Record<string, Wrong['make']>>, may: boolean): Wrong[] =>
  Object.entries(makers).map(([name, make]) => ({ name, make, ...(may && { may: true as const }) }));

export const wrongMakers: readonly Wrong[] = [
  ...list(shapes, false),
  ...list(sources, false),
  ...list(engines, false),
  ...list(lenient, true),
];
