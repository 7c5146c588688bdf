// The losses that are used most, in C with four float32 lanes (SSE4.1): what a WebAssembly kernel with 128-bit vectors could
// reach on this processor. Value and gradient of the mean in one pass, the same formulas as the library's.
//
//   cc -O3 -msse4.1 -mno-avx -mno-recip -ffp-contract=off losses.c -lm
//
// Reads commands from standard input, one a line, and answers each with one line:
//   load LOSS COUNT INPUT TARGET GRADIENT A B   reads COUNT float32 from two files, computes once, writes the gradient to a file;
//                                               A and B are the loss's settings, of crossEntropy the number of classes and
//                                               how far apart they lie, its target indices as float32. Answer: the loss
//   draw LOSS COUNT SEED A B                    the same with data of its own, for sizes that are no files
//   prepare MS                                  warms up. Answer: milliseconds of the fastest call
//   round MS                                    measures. Answer: the median of milliseconds per call
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <smmintrin.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef __m128 V;

#define ADD _mm_add_ps
#define SUB _mm_sub_ps
#define MUL _mm_mul_ps
#define DIV _mm_div_ps
#define AND _mm_and_ps
#define ANDNOT _mm_andnot_ps
#define MIN _mm_min_ps
#define MAX _mm_max_ps
#define SET _mm_set1_ps
#define LOAD _mm_loadu_ps
#define STORE _mm_storeu_ps

static inline V select_if(V mask, V yes, V no) { return _mm_blendv_ps(no, yes, mask); }
static inline V madd(V a, V b, V c) { return ADD(MUL(a, b), c); }
static inline V sign_of(V v) { return AND(v, SET(-0.0f)); }
static inline V abs_of(V v) { return ANDNOT(SET(-0.0f), v); }

static inline float sum_lanes(V v) {
  v = ADD(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps(v, v, 1)));
}

// e^x of x <= 0, to about 1 ULP; 0 far below (Cody and Waite's reduction, a polynomial of degree 6)
static inline V exp_of(V x) {
  const V magic = SET(12583039.0f); // 1.5*2^23 + 127: the sum's low bits are n + 127
  V n = madd(x, SET(1.44269504f), magic);
  V whole = SUB(n, magic);
  V r = SUB(SUB(x, MUL(whole, SET(0.693359375f))), MUL(whole, SET(-2.12194440e-4f)));
  V r2 = MUL(r, r);
  V low = madd(SET(0.1666652113f), r, SET(0.4999999404f));
  V high = madd(SET(1.3814539416e-3f), r2, madd(SET(8.3687454462e-3f), r, SET(4.1668388993e-2f)));
  V p = ADD(madd(madd(high, r2, low), r2, r), SET(1.0f));
  V power = _mm_castsi128_ps(_mm_slli_epi32(_mm_castps_si128(n), 23));
  return ANDNOT(_mm_cmplt_ps(x, SET(-87.33654f)), MUL(p, power));
}

// k ln 2 + log(1 + f) for f on [sqrt(1/2) - 1, sqrt(2) - 1] (Cephes' logf)
static inline V log_of_parts(V f, V k) {
  V p = SET(7.0376836292e-2f);
  p = madd(p, f, SET(-1.1514610310e-1f));
  p = madd(p, f, SET(1.1676998740e-1f));
  p = madd(p, f, SET(-1.2420140846e-1f));
  p = madd(p, f, SET(1.4249322787e-1f));
  p = madd(p, f, SET(-1.6668057665e-1f));
  p = madd(p, f, SET(2.0000714765e-1f));
  p = madd(p, f, SET(-2.4999993993e-1f));
  p = madd(p, f, SET(3.3333331174e-1f));
  V f2 = MUL(f, f);
  p = madd(k, SET(-2.12194440e-4f), MUL(MUL(p, f), f2));
  p = ADD(madd(f2, SET(-0.5f), p), f);
  return madd(k, SET(0.693359375f), p);
}

// 2^k m = x with m on [sqrt(1/2), sqrt(2)): k as an integer in the exponent's place
static inline __m128i exponent_bits(V x) {
  __m128i above = _mm_sub_epi32(_mm_castps_si128(x), _mm_set1_epi32(0x3f3504f3));
  return _mm_and_si128(above, _mm_set1_epi32((int)0xff800000));
}

static inline V exponent(__m128i bits) { return _mm_cvtepi32_ps(_mm_srai_epi32(bits, 23)); }

// log x of a normal x
static inline V log_of(V x) {
  __m128i bits = exponent_bits(x);
  V m = _mm_castsi128_ps(_mm_sub_epi32(_mm_castps_si128(x), bits));
  return log_of_parts(SUB(m, SET(1.0f)), exponent(bits));
}

// log(1 + q), keeping the digits of a small q
static inline V log1p_of(V q) {
  const V one = SET(1.0f);
  __m128i bits = exponent_bits(ADD(q, one));
  V t = _mm_castsi128_ps(_mm_sub_epi32(_mm_set1_epi32(0x3f800000), bits)); // 2^-k
  return log_of_parts(ADD(MUL(q, t), SUB(t, one)), exponent(bits));
}

// Elements of a stretch whose terms are summed in float32 before they go to float64.
enum { STRETCH = 4096 };

// Each loss: value of n elements (whole vectors, at most a stretch); gradients are scaled by s. a and b are its settings.
typedef double Loss(const float *x, const float *y, float *g, size_t n, float s, float a, float b);

static double mse(const float *x, const float *y, float *g, size_t n, float s, float a, float b) {
  (void)a, (void)b;
  V s0 = SET(0), s1 = s0, s2 = s0, s3 = s0;
  const V f = SET(2 * s);
  for (size_t i = 0; i < n; i += 16) {
    V d0 = SUB(LOAD(x + i), LOAD(y + i)), d1 = SUB(LOAD(x + i + 4), LOAD(y + i + 4));
    V d2 = SUB(LOAD(x + i + 8), LOAD(y + i + 8)), d3 = SUB(LOAD(x + i + 12), LOAD(y + i + 12));
    s0 = madd(d0, d0, s0), s1 = madd(d1, d1, s1), s2 = madd(d2, d2, s2), s3 = madd(d3, d3, s3);
    STORE(g + i, MUL(d0, f)), STORE(g + i + 4, MUL(d1, f)), STORE(g + i + 8, MUL(d2, f)), STORE(g + i + 12, MUL(d3, f));
  }
  return sum_lanes(ADD(ADD(s0, s1), ADD(s2, s3)));
}

static double l1(const float *x, const float *y, float *g, size_t n, float s, float a, float b) {
  (void)a, (void)b;
  V s0 = SET(0), s1 = s0;
  const V f = SET(s), zero = SET(0);
  for (size_t i = 0; i < n; i += 8) {
    V d0 = SUB(LOAD(x + i), LOAD(y + i)), d1 = SUB(LOAD(x + i + 4), LOAD(y + i + 4));
    s0 = ADD(s0, abs_of(d0)), s1 = ADD(s1, abs_of(d1));
    STORE(g + i, AND(_mm_or_ps(f, sign_of(d0)), _mm_cmpneq_ps(d0, zero)));
    STORE(g + i + 4, AND(_mm_or_ps(f, sign_of(d1)), _mm_cmpneq_ps(d1, zero)));
  }
  return sum_lanes(ADD(s0, s1));
}

static double huber(const float *x, const float *y, float *g, size_t n, float s, float delta, float b) {
  (void)b;
  V s0 = SET(0), s1 = s0;
  const V f = SET(s), high = SET(delta), low = SET(-delta), half = SET(0.5f);
  for (size_t i = 0; i < n; i += 8) {
    V d0 = SUB(LOAD(x + i), LOAD(y + i)), d1 = SUB(LOAD(x + i + 4), LOAD(y + i + 4));
    V m0 = MAX(low, MIN(high, d0)), m1 = MAX(low, MIN(high, d1));
    s0 = madd(m0, SUB(d0, MUL(half, m0)), s0), s1 = madd(m1, SUB(d1, MUL(half, m1)), s1);
    STORE(g + i, MUL(m0, f)), STORE(g + i + 4, MUL(m1, f));
  }
  return sum_lanes(ADD(s0, s1));
}

static double smoothL1(const float *x, const float *y, float *g, size_t n, float s, float beta, float b) {
  (void)b;
  V s0 = SET(0), s1 = s0;
  const V f = SET(s), high = SET(beta), low = SET(-beta), half = SET(0.5f), one = SET(beta);
  for (size_t i = 0; i < n; i += 8) {
    V d0 = SUB(LOAD(x + i), LOAD(y + i)), d1 = SUB(LOAD(x + i + 4), LOAD(y + i + 4));
    V m0 = MAX(low, MIN(high, d0)), m1 = MAX(low, MIN(high, d1));
    V t0 = DIV(m0, one), t1 = DIV(m1, one);
    s0 = madd(t0, SUB(d0, MUL(half, m0)), s0), s1 = madd(t1, SUB(d1, MUL(half, m1)), s1);
    STORE(g + i, MUL(t0, f)), STORE(g + i + 4, MUL(t1, f));
  }
  return sum_lanes(ADD(s0, s1));
}

// With h the mass that the logit argues against and e = e^-|x|: log(1 + e) + h |x|, slope +-(h - (1 - h) e) / (1 + e). The
// logarithms of 96 elements are one logarithm of their product, which is at most 2^96.
static double bceWithLogits(const float *x, const float *y, float *g, size_t n, float s, float a, float b) {
  (void)a, (void)b;
  V sum = SET(0);
  const V f = SET(s), one = SET(1.0f);
  for (size_t i = 0; i < n;) {
    size_t end = i + 4 * 96 < n ? i + 4 * 96 : n;
    V product = one;
    for (; i < end; i += 4) {
      V v = LOAD(x + i), t = LOAD(y + i), size = abs_of(v), e = exp_of(SUB(SET(0), size));
      V h = select_if(v, t, SUB(one, t)), whole = ADD(one, e);
      product = MUL(product, whole);
      sum = madd(h, size, sum);
      V slope = DIV(SUB(h, MUL(SUB(one, h), e)), whole);
      STORE(g + i, MUL(_mm_xor_ps(slope, sign_of(v)), f));
    }
    sum = ADD(sum, log_of(product));
  }
  return sum_lanes(sum);
}

static double bce(const float *x, const float *y, float *g, size_t n, float s, float a, float b) {
  (void)a, (void)b;
  V sum = SET(0);
  const V f = SET(s), one = SET(1.0f), floor = SET(-100.0f), tiny = SET(1.17549435e-38f), least = SET(1e-12f);
  for (size_t i = 0; i < n; i += 4) {
    V p = LOAD(x + i), t = LOAD(y + i), rest = SUB(one, p);
    // below the normal numbers, and at 1, the logarithm is beyond the floor
    V l = select_if(_mm_cmplt_ps(p, tiny), floor, log_of(p));
    V r = select_if(_mm_cmpge_ps(p, one), floor, log1p_of(SUB(SET(0), p)));
    sum = SUB(sum, madd(t, MAX(l, floor), MUL(SUB(one, t), MAX(r, floor))));
    STORE(g + i, DIV(MUL(SUB(p, t), f), MAX(MUL(p, rest), least)));
  }
  return sum_lanes(sum);
}

// gamma 2: the power is a square
static double sigmoidFocal(const float *x, const float *y, float *g, size_t n, float s, float alpha, float gamma) {
  V sum = SET(0);
  const V f = SET(s), one = SET(1.0f), positive = SET(alpha), negative = SET(1 - alpha), power = SET(gamma);
  for (size_t i = 0; i < n; i += 4) {
    V v = LOAD(x + i), t = LOAD(y + i), size = abs_of(v), e = exp_of(SUB(SET(0), size));
    V h = select_if(v, t, SUB(one, t)), k = SUB(one, h), inverse = DIV(one, ADD(one, e));
    V rest = madd(k, e, h), base = MUL(rest, inverse); // 1 - p_t
    V entropy = madd(h, size, log1p_of(e));
    V factor = MUL(madd(t, positive, MUL(SUB(one, t), negative)), base);
    sum = madd(MUL(factor, base), entropy, sum);
    // base^2 (h - k e) / (1 + e) + gamma base (h - k) e / (1 + e)^2 entropy
    V direct = MUL(base, SUB(h, MUL(k, e)));
    V focus = MUL(MUL(power, SUB(h, k)), MUL(MUL(e, inverse), entropy));
    V slope = MUL(MUL(factor, inverse), ADD(direct, focus));
    STORE(g + i, MUL(_mm_xor_ps(slope, sign_of(v)), f));
  }
  return sum_lanes(sum);
}

#include "crossEntropy.h"

static const struct {
  const char *name;
  Loss *loss;
} losses[] = {
    {"mse", mse}, {"l1", l1},   {"huber", huber},
    {"smoothL1", smoothL1},     {"bceWithLogits", bceWithLogits},
    {"bce", bce}, {"sigmoidFocal", sigmoidFocal},
};

static Loss *chosen;
static float *x, *y, *g, setting_a, setting_b;
static size_t count;
static long calls = 1;

static double mean(void) {
  if (!chosen) return crossEntropy(x, g, count);
  double sum = 0;
  for (size_t i = 0; i < count; i += STRETCH) {
    size_t n = count - i < STRETCH ? count - i : STRETCH;
    sum += chosen(x + i, y + i, g + i, n, 1.0f / (float)count, setting_a, setting_b);
  }
  return sum / (double)count;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static volatile double sink;

static double batch(long size) {
  double start = now();
  for (long i = 0; i < size; i++) sink += mean();
  return now() - start;
}

// A sample takes some 100 us, so that the clock does not matter.
static const double SAMPLE = 0.1;

static double prepare(double milliseconds) {
  double end = now() + milliseconds, fastest = INFINITY;
  long size = 1;
  do {
    double elapsed = batch(size);
    fastest = fmin(fastest, elapsed / (double)size);
    if (elapsed < SAMPLE) size *= 2;
  } while (now() < end);
  calls = lround(fmax(1, SAMPLE / fastest));
  return fastest;
}

static int compare(const void *a, const void *b) {
  double p = *(const double *)a, q = *(const double *)b;
  return (p > q) - (p < q);
}

static double measure(double milliseconds) {
  enum { MOST = 1 << 16 };
  static double samples[MOST];
  double end = now() + milliseconds;
  size_t n = 0;
  do samples[n++] = batch(calls) / (double)calls;
  while (n < MOST && (n < 3 || now() < end));
  qsort(samples, n, sizeof *samples, compare);
  return n % 2 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
}

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static float *floats(size_t size) {
  float *data = aligned_alloc(64, (size * sizeof *data + 63) / 64 * 64);
  if (!data) fail("memory");
  return data;
}

static float *read_floats(const char *path, size_t size) {
  float *data = floats(size);
  FILE *file = fopen(path, "rb");
  if (!file || fread(data, sizeof *data, size, file) != size) fail(path);
  fclose(file);
  return data;
}

// Uniform on -amplitude to amplitude.
static float *drawn(size_t size, float amplitude, uint32_t seed) {
  float *data = floats(size);
  for (size_t i = 0; i < size; i++) {
    seed = seed * 1664525u + 1013904223u;
    data[i] = ((float)(seed >> 8) / 8388608.0f - 1.0f) * amplitude;
  }
  return data;
}

// Finds a loss; how many numbers its target has.
static size_t choose(const char *name, const char *line) {
  chosen = NULL;
  for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
    if (!strcmp(losses[i].name, name)) chosen = losses[i].loss;
  if (!strcmp(name, "sigmoidFocal") && setting_b != 2) fail(line);
  if (chosen && count % 16 == 0) return count;
  classes = (size_t)setting_a, inner = (size_t)setting_b;
  if (chosen || strcmp(name, "crossEntropy") || !is_class_shape(count)) fail(line);
  return count / classes;
}

static void make_targets(size_t size) {
  targets = malloc(size * sizeof *targets);
  if (!targets) fail("memory");
  for (size_t i = 0; i < size; i++) targets[i] = (int32_t)y[i];
}

static void release(void) {
  free(x), free(y), free(g), free(targets);
  x = y = g = NULL, targets = NULL;
}

static double draw(const char *line) {
  char name[32];
  uint32_t seed;
  if (sscanf(line, "draw %31s %zu %u %f %f", name, &count, &seed, &setting_a, &setting_b) != 5) fail(line);
  release();
  size_t size = choose(name, line);
  x = drawn(count, 4, seed), y = drawn(size, 1, seed + 1), g = drawn(count, 1, seed + 2);
  // probabilities, or classes
  for (size_t i = 0; i < size; i++) y[i] = (y[i] + 1) * 0.5f * (chosen ? 1 : (float)classes * 0.999f);
  if (!chosen) make_targets(size);
  return mean();
}

static double load(const char *line) {
  char name[32], input[512], target[512], gradient[512];
  const char *form = "load %31s %zu %511s %511s %511s %f %f";
  if (sscanf(line, form, name, &count, input, target, gradient, &setting_a, &setting_b) != 7) fail(line);
  release();
  size_t size = choose(name, line);
  x = read_floats(input, count), y = read_floats(target, size), g = floats(count);
  if (!chosen) make_targets(size);
  double loss = mean();
  FILE *file = fopen(gradient, "wb");
  if (!file || fwrite(g, sizeof *g, count, file) != count || fclose(file)) fail(gradient);
  return loss;
}

int main(void) {
  char line[2048];
  double milliseconds;
  while (fgets(line, sizeof line, stdin)) {
    double answer;
    if (!strncmp(line, "load ", 5)) answer = load(line);
    else if (!strncmp(line, "draw ", 5)) answer = draw(line);
    else if (sscanf(line, "prepare %lf", &milliseconds) == 1) answer = prepare(milliseconds);
    else if (sscanf(line, "round %lf", &milliseconds) == 1) answer = measure(milliseconds);
    else return 1;
    printf("%.17g\n", answer);
    fflush(stdout);
  }
  return 0;
}
