// Poly-1 loss (Leng et al. 2022): with the smoothed target masses q_c = w_c·((1 − e)·[c = t] + e/C),
// l = Σ_c q_c·(−log p_c + ε·(1 − p_c)), ∂l/∂x_k = p_k·Σ_c q_c·(1 + ε·p_c) − q_k·(1 + ε·p_k). Parameters: p0 labelSmoothing,
// p3 epsilon. Operands: a weight [C], b sampleWeight.

import { Plan } from '../plan';
import { indexTiles, POLY } from './crossEntropy/indices';

export function polyLoss(p: Plan): usize {
  return indexTiles(p, POLY);
}
