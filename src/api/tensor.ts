// Tensors of the caller's own memory.

import { readOperand, readShape } from '../arguments/operand.ts';
import { isTyped, toFloat32 } from '../values/array.ts';
import { guard } from '../values/guard.ts';
import type { NestedArray, NumericArray, Tensor, TensorInput } from '../values/types.ts';

interface MakeTensor {
  <D extends NumericArray>(source: D, shape?: readonly number[]): Tensor<D>;
  (source: NestedArray | number, shape?: readonly number[]): Tensor;
}

function make(source: TensorInput, shape?: readonly number[]): Tensor<NumericArray> {
  const operand = readOperand(source, 'tensor: source');
  const data = isTyped(source) ? source : toFloat32(operand.data);
  const own = operand.shape ?? [operand.length];
  return { data, shape: shape === undefined ? own : readShape(shape, 'tensor: source', operand.length) };
}

/**
 * Makes a tensor: `{ data, shape }`, row-major.
 *
 * @param source - A typed array (used as it is), a flat array with a shape, nested arrays, or a number (0-D).
 * @param shape - Sizes of the axes. Default: the nesting, or one axis.
 * @returns The tensor. Plain arrays become a Float32Array.
 * @throws RangeError for ragged nesting (naming the row) or a shape that does not fit; TypeError for anything else.
 * @example
 * import { tensor } from 'lossmith';
 * tensor([[1, 2, 3], [4, 5, 6]]).shape.join(); // => "2,3"
 */
export const tensor: MakeTensor = /* @__PURE__ */ guard(make) as MakeTensor;
