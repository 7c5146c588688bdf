// Cross entropy. With p = softmax(x), m = max x, q = Σ e^(x−m) − 1 (one maximum kept out), L = log1p(q), so that
// −log p_k = L − (x_k − m), a sum of two terms that are never negative:
//
//   index target t, class weight w, sample weight s, smoothing ε over C classes
//     l = s·[(1−ε)·w_t·(L − (x_t − m)) + (ε/C)·Σ_c w_c·(L − (x_c − m))]
//     ∂l/∂x_k = p_k·Q − (ε/C)·s·w_k − [k = t]·(1−ε)·s·w_t,   Q = s·[(1−ε)·w_t + (ε/C)·Σ_c w_c]
//   probability target y: t_c = w_c·((1−ε)·y_c + ε/C), T = Σ t_c (any value)
//     l = s·[T·L − Σ_c t_c·(x_c − m)],   ∂l/∂x_k = s·(T·p_k − t_k)
//   zLoss z: + z·lse² with lse = m + L;  ∂ = 2·z·lse·p_k
//   softcap κ, logitShift b: all of this for κ·tanh(x/κ) + b (softcap.ts)
//
// At the class of the target p_k − 1 would cancel where the model is sure; −(Σ of the other e)/Σe is the same number
// with all its digits. Sources: PyTorch, aten/src/ATen/native/LossNLL.cpp (definition); smoothing: Szegedy et al. 2016;
// z-loss: Chowdhery et al. 2022 (PaLM); softcap: Gemma 2, 2024.
//
// Parameters: p0 labelSmoothing, p1 zLoss, p2 softcap. Operands: a weight [C], b sampleWeight, c logitShift [C].

import { walksRows } from '../../classes/walk';
import { INDICES, Plan } from '../../plan';
import { indexTiles, PLAIN } from './indices';
import { probabilityTiles } from './probabilities';
import { indexRows, probabilityRows } from './rows';

export function crossEntropy(p: Plan): usize {
  const indices = (p.flags & INDICES) != 0;
  if (walksRows(p)) return indices ? indexRows(p) : probabilityRows(p);
  return indices ? indexTiles(p, PLAIN) : probabilityTiles(p, PLAIN);
}
