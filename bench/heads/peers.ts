/**
 * Libraries that a user would pick instead, installed into bench/peers when they are first measured: they are large, and nothing
 * else needs them. Their types are not read, since they are not there when this is checked; what is used is said here.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Contender } from './problem.ts';

const home = fileURLToPath(new URL('../peers/', import.meta.url));
const resolve = createRequire(`${home}index.js`).resolve;

function install(): void {
  if (existsSync(`${home}node_modules`)) return;
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'], {
    cwd: home,
    stdio: 'ignore',
  });
}

const load = async <T>(name: string): Promise<T> => (await import(pathToFileURL(resolve(name)).href)) as T;

interface TfTensor {
  dataSync(): Float32Array;
  dispose(): void;
}

interface Tf {
  enableProdMode(): void;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor1d(data: Float32Array | Int32Array, dtype?: string): TfTensor;
  tensor2d(data: Float32Array, shape: readonly number[]): TfTensor;
  oneHot(labels: TfTensor, classes: number): TfTensor;
  cast(tensor: TfTensor, dtype: string): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA: boolean, transposeB: boolean): TfTensor;
  add(a: TfTensor, b: TfTensor): TfTensor;
  losses: { softmaxCrossEntropy(labels: TfTensor, logits: TfTensor): TfTensor };
  valueAndGrads(
    f: (...inputs: TfTensor[]) => TfTensor,
  ): (inputs: TfTensor[]) => { value: TfTensor; grads: readonly TfTensor[] };
}

/** TensorFlow.js on its WebAssembly backend, one-hot targets made beforehand. */
export const tfjs: Contender = {
  name: 'tfjs-wasm',
  async prepare({ shape: [n, d, c], features, weight, bias, target }) {
    install();
    const loaded = await load<{ default: Tf }>('@tensorflow/tfjs');
    const tf = loaded.default;
    await load('@tensorflow/tfjs-backend-wasm');
    tf.enableProdMode();
    await tf.setBackend('wasm');
    await tf.ready();
    const inputs = [tf.tensor2d(features, [n, d]), tf.tensor2d(weight, [c, d]), tf.tensor1d(bias)];
    const labels = tf.cast(tf.oneHot(tf.tensor1d(target, 'int32'), c), 'float32');
    const gradients = tf.valueAndGrads((x, w, b) =>
      tf.losses.softmaxCrossEntropy(labels, tf.add(tf.matMul(x!, w!, false, true), b!)),
    );
    return () => {
      const { value, grads } = gradients(inputs);
      const loss = value.dataSync()[0]!;
      for (const grad of grads) {
        grad.dataSync();
        grad.dispose();
      }
      value.dispose();
      return loss;
    };
  },
};

interface JaxArray {
  /** The array, for one more use. */
  readonly ref: JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  transpose(): JaxArray;
  add(other: JaxArray): JaxArray;
  mul(other: number): JaxArray;
  sum(): JaxArray;
  blockUntilReady(): Promise<unknown>;
  dispose(): void;
  dataSync(): Float32Array;
}

type Differentiated = (inputs: JaxArray[], target: JaxArray) => readonly [JaxArray, readonly JaxArray[]];

interface Jax {
  init(device: string): Promise<unknown>;
  defaultDevice(device: string): unknown;
  jit(f: Differentiated): Differentiated;
  valueAndGrad(f: (inputs: readonly JaxArray[], target: JaxArray) => JaxArray): Differentiated;
  readonly nn: { logSoftmax(logits: JaxArray, axis: number): JaxArray };
  readonly numpy: {
    array(data: Float32Array | Int32Array): JaxArray;
    arange(n: number): JaxArray;
    dot(a: JaxArray, b: JaxArray): JaxArray;
    equal(a: JaxArray, b: JaxArray): JaxArray;
    where(condition: JaxArray, a: JaxArray, b: number): JaxArray;
  };
}

/** jax-js on its WebAssembly backend, compiled by jit. */
export const jax: Contender = {
  name: 'jax-js wasm, jit',
  async prepare({ shape: [n, d, c], features, weight, bias, target }) {
    install();
    const { init, defaultDevice, jit, valueAndGrad, nn, numpy } = await load<Jax>('@jax-js/jax');
    await init('wasm');
    defaultDevice('wasm');
    const array = (data: Float32Array | Int32Array, shape: readonly number[]) => numpy.array(data).reshape(shape);
    const inputs = [array(features, [n, d]), array(weight, [c, d]), array(bias, [c])];
    const labels = array(target, [n]);
    const step = jit(
      valueAndGrad(([x, w, b], t) => {
        const logits = numpy.dot(x!, w!.transpose()).add(b!);
        const own = numpy.equal(numpy.arange(c), t.reshape([n, 1]));
        return numpy
          .where(own, nn.logSoftmax(logits, -1), 0)
          .sum()
          .mul(-1 / n);
      }),
    );
    return async () => {
      const [loss, grads] = step(
        inputs.map((input) => input.ref),
        labels.ref,
      );
      for (const grad of grads) {
        await grad.blockUntilReady();
        grad.dispose();
      }
      return loss.dataSync()[0]!;
    };
  },
};
