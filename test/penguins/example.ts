/** The modules of the examples that npm start runs, loaded as a user's Node loads them, with the types of what the tests touch. */

export interface Data {
  rows: number;
  x: Float32Array;
  target: Float32Array | Int32Array | Int8Array;
}

export interface Score {
  name: string;
  value: number;
  note?: string;
}

export interface Tensor {
  data: Float32Array;
  shape: number[];
}

export interface Head {
  weight: Tensor;
  bias: Tensor;
}

export interface Loss {
  linear: {
    forward: (x: Tensor, head: Head, target: unknown, options: object) => { loss: number };
    prepare: (x: Tensor, head: Head, target: unknown, options: object) => Step;
  };
}

export interface Step {
  (): number;
  grad: { weight: Tensor; bias: Tensor };
  free: () => void;
}

export interface Task {
  name: string;
  lossName: string;
  loss: Loss;
  options: {
    components?: number[][];
    weights?: number[];
    jointWeight?: number;
    posWeight?: Float32Array;
    labels?: number[];
  };
  outputShape: number[];
  features: string[];
  train: Data;
  test: Data;
  score: (logits: Float32Array, target: Data['target']) => Score[];
}

export interface Result {
  task: Task;
  head: Head;
  rate: number;
  curve: Float64Array;
  points: { step: number; train: number; heldOut: number }[];
  initialLoss: number;
  finalLoss: number;
  componentLosses?: { data: Float32Array };
  logits: Float32Array;
  scores: Score[];
}

export interface Settings {
  seed: number;
  alpha: number;
  beta: number;
  joint: number;
}

export interface Column {
  name: string;
  type: 'number' | 'text';
  values: (number | string | null)[];
}

interface Modules {
  'penguins/penguins.mjs': { loadPenguins: () => Record<string, Column> };
  'penguins/tasks.mjs': { penguinTasks: (penguins: Record<string, Column>, settings: Settings) => Task[] };
  'penguins/own-table.mjs': {
    ownTableTask: (
      path: string,
      settings: { name: string; target: string; seed: number },
    ) => { task: Task; notes: string[] };
  };
  'penguins/train.mjs': {
    BATCH_ROWS: number;
    MOMENTUM: number;
    createHead: (inputs: number, outputs: number, seed: number) => Head;
    train: (task: Task, settings: { steps: number; seed?: number; head?: Head }) => Result;
  };
  'penguins/csv.mjs': { parseCsv: (text: string) => { header: string[]; rows: string[][]; delimiter: string } };
  'digits/backbone.mjs': { FEATURES: number; featuresOf: (image: ArrayLike<number>) => Float32Array };
  'digits/digits.mjs': { digitTasks: (seed: number) => Task[]; comparisonLines: (results: Result[]) => string[] };
}

const folder = new URL('../../examples/', import.meta.url);

/** Imports one module of the examples. */
export async function example<Name extends keyof Modules>(name: Name): Promise<Modules[Name]> {
  return (await import(/* @vite-ignore */ new URL(name, folder).href)) as Modules[Name];
}

/** The file that `npm start` runs. */
export const mainFile = new URL('penguins/main.mjs', folder);
