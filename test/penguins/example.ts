/** The modules of the penguin example, loaded as a user's Node loads them, with the types of what the tests touch. */

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

export interface Loss {
  forward: (logits: Tensor, target: unknown, options: object) => { loss: number };
  prepare: (logits: Tensor, target: unknown, options: object) => Step;
}

export interface Step {
  (): number;
  grad: Tensor;
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
  targetShape: number[];
  features: string[];
  train: Data;
  test: Data;
  score: (logits: Float32Array, data: Data) => Score[];
}

export interface Model {
  inputs: number;
  outputs: number;
  weights: Float32Array;
  bias: Float32Array;
}

export interface Result {
  model: Model;
  rate: number;
  curve: Float64Array;
  initialLoss: number;
  finalLoss: number;
  componentLosses?: { data: Float32Array };
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
  'penguins.mjs': { loadPenguins: () => Record<string, Column> };
  'tasks.mjs': { penguinTasks: (penguins: Record<string, Column>, settings: Settings) => Task[] };
  'own-table.mjs': {
    ownTableTask: (
      path: string,
      settings: { name: string; target: string; seed: number },
    ) => { task: Task; notes: string[] };
  };
  'train.mjs': {
    BATCH_ROWS: number;
    train: (task: Task, settings: { steps: number; seed?: number; model?: Model }) => Result;
  };
  'model.mjs': { createModel: (inputs: number, outputs: number, seed: number) => Model };
  'csv.mjs': { parseCsv: (text: string) => { header: string[]; rows: string[][]; delimiter: string } };
}

const folder = new URL('../../examples/penguins/', import.meta.url);

/** Imports one module of the example. */
export async function example<Name extends keyof Modules>(name: Name): Promise<Modules[Name]> {
  return (await import(/* @vite-ignore */ new URL(name, folder).href)) as Modules[Name];
}

/** The file that `npm start` runs. */
export const mainFile = new URL('main.mjs', folder);
