// Labels as their number times a distribution: with Y = Σ y, P = y/Y and q = softmax(x),
//
//   l = Σ_c P_c·(log P_c − log q_c) + μ·(max(z, 0.01) − Y)²
//   ∂l/∂x = q − P,   ∂l/∂z = 2·μ·(z − Y) where z ≥ 0.01
//
// The divergence is that of cross entropy with the probabilities y/Y, plus (Σ y·log y)/Y − log Y; a row without labels has none.
//
// Parameters: p3 mu. Operands: d z, whose gradient is the side gradient.

import { Plan } from '../plan';
import { COUNTED, probabilityTiles } from './crossEntropy/probabilities';

export function factorizedMultiLabel(p: Plan): usize {
  return probabilityTiles(p, COUNTED);
}
