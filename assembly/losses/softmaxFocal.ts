// Focal loss of a softmax (Lin et al. 2017): l = w_t·(1 − p_t)^γ·CE. 1 − p_t is the sum of the other exponentials over all,
// without a cancellation; ∂l/∂x_k = w_t·(p_k − [k = t])·(1 − p_t)^γ·[1 + γ·p_t·CE/(1 − p_t)], where CE/(1 − p_t) goes to 1 as
// p_t does. Parameters: p3 gamma. Operands: a weight [C], b sampleWeight.

import { Plan } from '../plan';
import { FOCAL, indexTiles } from './crossEntropy/indices';

export function softmaxFocal(p: Plan): usize {
  return indexTiles(p, FOCAL);
}
