// Squared distances from differences, summed in twice the precision of float64 (see src/squared-distance.ts).
#include "simd.h"

/** Two sums of two lanes each with their rounding errors: even places in lane 0, odd ones in lane 1. */
typedef struct {
  vec sum, error;
} Sum;

/** Knuth's exact sum of two numbers: sum and error together hold all of `p`. */
static inline void include(Sum *s, vec p) {
  vec t = add(s->sum, p), b = sub(t, s->sum);
  s->error = add(s->error, add(sub(s->sum, sub(t, b)), sub(p, b)));
  s->sum = t;
}

static inline f64 rounded(Sum s) {
  f64 s0 = wasm_f64x2_extract_lane(s.sum, 0), s1 = wasm_f64x2_extract_lane(s.sum, 1);
  f64 t = s0 + s1, b = t - s0;
  f64 sum = t + (((s0 - (t - b)) + (s1 - b)) + total(s.error));
  return sum == sum ? sum : __builtin_inf();
}

static inline f64 squaredDistance(const f64 *x, const f64 *y, int d) {
  Sum s = {zero(), zero()};
  for (int j = 0; j < d; j += 2) {
    vec v = sub(load(x + j), load(y + j));
    include(&s, mul(v, v));
  }
  return rounded(s);
}

/**
 * Squared distances between m rows of X and n rows of Y, m x n. Rows are `stride` numbers apart, stride even, zero beyond
 * their length. `same` says that Y is X: then each pair is computed once, and written twice.
 */
void EXPORT(blockSquares)(const f64 *X, int m, const f64 *Y, int n, int stride, int same, f64 *out) {
  for (int i = 0; i < m; i++) {
    const f64 *x = X + i * stride;
    int j = 0, end = same ? i : n;
    for (; j + 2 <= end; j += 2) {
      const f64 *y = Y + j * stride, *z = y + stride;
      Sum s = {zero(), zero()}, t = {zero(), zero()};
      for (int l = 0; l < stride; l += 2) {
        vec xl = load(x + l), v = sub(xl, load(y + l)), w = sub(xl, load(z + l));
        include(&s, mul(v, v));
        include(&t, mul(w, w));
      }
      out[i * n + j] = rounded(s), out[i * n + j + 1] = rounded(t);
    }
    for (; j < end; j++) out[i * n + j] = squaredDistance(x, Y + j * stride, stride);
    if (!same) continue;
    out[i * n + i] = 0;
    for (j = 0; j < i; j++) out[j * n + i] = out[i * n + j];
  }
}
