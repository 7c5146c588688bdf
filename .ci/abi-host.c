// A host that is not JavaScript: calls crossEntropy of a module that wasm2c made into C, by the offsets of docs/abi.md, and
// prints the loss and the gradient. .ci/abi-host.mjs writes case.h (names, offsets, operands) and compares the output.
#include <stdio.h>
#include <string.h>

#include "case.h"

static unsigned char *memory;

static void put_u32(u32 at, u32 value) { memcpy(memory + at, &value, 4); }
static void put_f64(u32 at, double value) { memcpy(memory + at, &value, 8); }

static double get_f64(u32 at) {
  double value;
  memcpy(&value, memory + at, 8);
  return value;
}

static s32 get_i32(u32 at) {
  s32 value;
  memcpy(&value, memory + at, 4);
  return value;
}

int main(void) {
  static INSTANCE instance;
  wasm_rt_init();
  INITIALIZE(&instance);
  if (CORE(planBytes)(&instance) != PLAN_BYTES) return 2;

  u32 plan = (CORE(heapBase)(&instance) + 63) / 64 * 64;
  u32 input = plan + (PLAN_BYTES + 63) / 64 * 64, target = input + 1024, grad = target + 1024, scratch = grad + 1024;
  memory = CORE(memory)(&instance)->data;
  memset(memory + plan, 0, PLAN_BYTES);
  memcpy(memory + input, LOGITS, sizeof LOGITS);
  memcpy(memory + target, TARGET, sizeof TARGET);
  put_u32(plan + OFFSET_input, input);
  put_u32(plan + OFFSET_inputOuter, CLASSES);
  put_u32(plan + OFFSET_inputStep, 1);
  put_u32(plan + OFFSET_indices, target);
  put_u32(plan + OFFSET_outer, OUTER);
  put_u32(plan + OFFSET_middle, CLASSES);
  put_u32(plan + OFFSET_inner, 1);
  put_u32(plan + OFFSET_total, CLASSES);
  put_u32(plan + OFFSET_phase, EVERY_PHASE);
  put_u32(plan + OFFSET_ignoreIndex, (u32)-100);
  put_u32(plan + OFFSET_flags, INDICES);
  put_u32(plan + OFFSET_bad, (u32)-1);
  if (scratch + CORE(crossEntropy)(&instance, plan) > 65536) return 3;

  CORE(scanSamples)(&instance, plan);
  if (get_i32(plan + OFFSET_bad) >= 0) return 4;
  double weight_sum = get_f64(plan + OFFSET_weightSum);
  put_f64(plan + OFFSET_upstream, 1 / weight_sum);
  put_u32(plan + OFFSET_grad, grad);
  put_u32(plan + OFFSET_gradOuter, CLASSES);
  put_u32(plan + OFFSET_gradStep, 1);
  put_u32(plan + OFFSET_scratch, scratch);
  CORE(crossEntropy)(&instance, plan);

  printf("%.17g\n", get_f64(plan + OFFSET_sum) / weight_sum);
  for (int i = 0; i < OUTER * CLASSES; i++) {
    float value;
    memcpy(&value, memory + grad + 4 * i, 4);
    printf("%.9g\n", value);
  }
  return 0;
}
