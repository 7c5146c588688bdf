// Cross entropy of class indices, mean over samples, for losses.c: input of [outer, classes, inner].

#include <stdint.h>

static size_t classes, inner;
static int32_t *targets;

// The logarithms of several samples are one logarithm of their product.
enum { TOGETHER = 24 };

// One sample in each lane, four classes side by side; whole vectors of samples.
static double of_four_classes(const float *x, float *g, size_t samples, float s) {
  const V f = SET(s), one = SET(1);
  double loss = 0;
  for (size_t i = 0; i < samples;) {
    size_t end = i + 4 * TOGETHER < samples ? i + 4 * TOGETHER : samples;
    V product = one;
    float right = 0;
    for (; i < end; i += 4) {
      V a = LOAD(x + 4 * i), b = LOAD(x + 4 * i + 4), c = LOAD(x + 4 * i + 8), d = LOAD(x + 4 * i + 12);
      _MM_TRANSPOSE4_PS(a, b, c, d);
      V m = MAX(MAX(a, b), MAX(c, d)), most = m;
      a = exp_of(SUB(a, m)), b = exp_of(SUB(b, m)), c = exp_of(SUB(c, m)), d = exp_of(SUB(d, m));
      V sum = ADD(ADD(a, b), ADD(c, d)), scale = DIV(f, sum);
      product = MUL(product, sum);
      a = MUL(a, scale), b = MUL(b, scale), c = MUL(c, scale), d = MUL(d, scale);
      _MM_TRANSPOSE4_PS(a, b, c, d);
      STORE(g + 4 * i, a), STORE(g + 4 * i + 4, b), STORE(g + 4 * i + 8, c), STORE(g + 4 * i + 12, d);
      right += sum_lanes(most);
      for (size_t k = 0; k < 4; k++) {
        size_t at = 4 * (i + k) + (size_t)targets[i + k];
        right -= x[at];
        g[at] -= s;
      }
    }
    loss += sum_lanes(log_of(product)) + right;
  }
  return loss;
}

static inline float largest_lane(V v) {
  v = MAX(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_max_ss(v, _mm_shuffle_ps(v, v, 1)));
}

// Classes in lanes; whole vectors of classes.
static double of_rows(const float *x, float *g, size_t samples, float s) {
  double loss = 0;
  for (size_t i = 0; i < samples; i++, x += classes, g += classes) {
    V m0 = LOAD(x), m1 = m0;
    size_t c = 0;
    for (; c + 8 <= classes; c += 8) m0 = MAX(m0, LOAD(x + c)), m1 = MAX(m1, LOAD(x + c + 4));
    if (c < classes) m0 = MAX(m0, LOAD(x + c));
    float most = largest_lane(MAX(m0, m1));
    V m = SET(most);
    double whole = 0;
    for (c = 0; c < classes;) {
      size_t end = c + 1024 < classes ? c + 1024 : classes;
      V s0 = SET(0), s1 = s0;
      for (; c + 8 <= end; c += 8) {
        V e0 = exp_of(SUB(LOAD(x + c), m)), e1 = exp_of(SUB(LOAD(x + c + 4), m));
        STORE(g + c, e0), STORE(g + c + 4, e1);
        s0 = ADD(s0, e0), s1 = ADD(s1, e1);
      }
      for (; c < end; c += 4) {
        V e = exp_of(SUB(LOAD(x + c), m));
        STORE(g + c, e);
        s0 = ADD(s0, e);
      }
      whole += sum_lanes(ADD(s0, s1));
    }
    V scale = SET((float)(s / whole));
    for (c = 0; c < classes; c += 4) STORE(g + c, MUL(LOAD(g + c), scale));
    loss += log(whole) - (x[targets[i]] - most);
    g[targets[i]] -= s;
  }
  return loss;
}

// Samples in lanes, classes `inner` apart: packed in tiles, as their cache lines are in each other's way.
enum { TILE = 64 };

static double of_tile(const float *x, float *g, const int32_t *t, float *tile, float s) {
  V most[TILE / 4], sums[TILE / 4];
  for (size_t k = 0; k < TILE / 4; k++) most[k] = LOAD(x + 4 * k), sums[k] = SET(0);
  for (size_t c = 0; c < classes; c++)
    for (size_t k = 0; k < TILE / 4; k++) {
      V v = LOAD(x + c * inner + 4 * k);
      STORE(tile + c * TILE + 4 * k, v);
      most[k] = MAX(most[k], v);
    }
  float right = 0;
  for (size_t k = 0; k < TILE; k++) right += tile[(size_t)t[k] * TILE + k];
  for (size_t c = 0; c < classes; c++)
    for (size_t k = 0; k < TILE / 4; k++) {
      V e = exp_of(SUB(LOAD(tile + c * TILE + 4 * k), most[k]));
      STORE(tile + c * TILE + 4 * k, e);
      sums[k] = ADD(sums[k], e);
    }
  V loss = SET(0), f = SET(s);
  for (size_t k = 0; k < TILE / 4; k++) loss = ADD(loss, ADD(log_of(sums[k]), most[k])), sums[k] = DIV(f, sums[k]);
  for (size_t c = 0; c < classes; c++)
    for (size_t k = 0; k < TILE / 4; k++) STORE(g + c * inner + 4 * k, MUL(LOAD(tile + c * TILE + 4 * k), sums[k]));
  for (size_t k = 0; k < TILE; k++) g[(size_t)t[k] * inner + k] -= s;
  return sum_lanes(loss) - right;
}

// The classes of a sample lie side by side and fill vectors, or there are whole tiles of samples.
static int is_class_shape(size_t count) {
  if (!classes || !inner || count % (classes * inner)) return 0;
  return inner == 1 ? classes % 4 == 0 && (classes > 4 || count % 16 == 0) : inner % TILE == 0;
}

static double crossEntropy(const float *x, float *g, size_t count) {
  static float *tile;
  static size_t room;
  size_t samples = count / classes;
  float s = 1.0f / (float)samples;
  if (inner == 1) return (classes == 4 ? of_four_classes : of_rows)(x, g, samples, s) / (double)samples;
  if (room < classes) tile = realloc(tile, (room = classes) * TILE * sizeof *tile);
  if (!tile) return NAN;
  double loss = 0;
  for (size_t n = 0; n < samples / inner; n++)
    for (size_t k = 0; k < inner; k += TILE) {
      size_t at = n * classes * inner + k;
      loss += of_tile(x + at, g + at, targets + n * inner + k, tile, s);
    }
  return loss / (double)samples;
}
