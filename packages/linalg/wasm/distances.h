// One squared distance, summed in twice the precision of float64 (see src/squared-distance.ts).
#pragma once
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

/** Two of them at once: sums wait for themselves, and the processor has something else to do meanwhile. */
static inline void twoSquaredDistances(const f64 *x, const f64 *y, const f64 *z, int d, f64 *first, f64 *second) {
  Sum s = {zero(), zero()}, t = {zero(), zero()};
  for (int l = 0; l < d; l += 2) {
    vec xl = load(x + l), v = sub(xl, load(y + l)), w = sub(xl, load(z + l));
    include(&s, mul(v, v));
    include(&t, mul(w, w));
  }
  *first = rounded(s), *second = rounded(t);
}
