// Smooth absolute error: Huber's of δ = β, divided by β; absolute error where β is 0, or so small that 1/β is no float32. Source: PyTorch,
// torch.nn.functional.smooth_l1_loss.
//
// Parameters: p0 beta, p1 1, which tells Huber's kernel.

import { Plan } from '../plan';
import { huber } from './huber';
import { l1 } from './l1';

export function smoothL1(p: Plan): usize {
  return p.p0 < 1 / <f64>f32.MAX_VALUE ? l1(p) : huber(p);
}
