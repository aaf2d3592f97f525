// Householder reduction that keeps its reflectors, for small matrices whose eigenvectors are wanted.
//
// Unblocked: at n = 100 the matrix (80 kB) stays in the second-level cache and panels would not pay. Rows are `stride`
// numbers apart, stride even and at least n; only the lower triangle is read and written.
#include "simd.h"

static NOINLINE f64 dotRows(const f64 *a, const f64 *b, int n) {
  vec s = zero(), t = zero();
  int j = 0;
  for (; j + 4 <= n; j += 4) s = add(s, mul(load(a + j), load(b + j))), t = add(t, mul(load(a + j + 2), load(b + j + 2)));
  f64 sum = total(add(s, t));
  for (; j < n; j++) sum += a[j] * b[j];
  return sum;
}

/** w = A v for the leading m x m block, every entry of the lower triangle read once. */
static NOINLINE void lowerProduct(const f64 *A, int m, int stride, const f64 *v, f64 *w) {
  for (int r = 0; r < m; r++) {
    const f64 *a = A + r * stride;
    vec vr = splat(v + r), s = zero();
    int j = 0;
    for (; j + 2 <= r; j += 2) {
      vec x = load(a + j);
      s = add(s, mul(x, load(v + j)));
      store(w + j, add(load(w + j), mul(x, vr)));
    }
    f64 sum = total(s);
    for (; j < r; j++) sum += a[j] * v[j], w[j] += a[j] * v[r];
    w[r] = sum + a[r] * v[r];
  }
}

/** A -= v wᵀ + w vᵀ on the lower triangle of the leading m x m block. */
static NOINLINE void lowerUpdate(f64 *A, int m, int stride, const f64 *v, const f64 *w) {
  for (int r = 0; r < m; r++) {
    f64 *a = A + r * stride;
    vec vr = splat(v + r), wr = splat(w + r);
    int j = 0;
    for (; j + 2 <= r + 1; j += 2)
      store(a + j, sub(load(a + j), add(mul(vr, load(w + j)), mul(wr, load(v + j)))));
    for (; j <= r; j++) a[j] -= v[r] * w[j] + w[r] * v[j];
  }
}

/**
 * QᵀAQ = T with Q = H_{n-1} ... H_1, H_i = I - tau_i v_i v_iᵀ on the first i coordinates. Row i of A then holds v_i in
 * its first i places. `work` has room for n numbers.
 */
void EXPORT(reduceKeeping)(f64 *A, int n, int stride, f64 *d, f64 *e, f64 *tau, f64 *work) {
  for (int i = n - 1; i >= 1; i--) {
    f64 *v = A + i * stride;
    d[i] = v[i];
    f64 alpha = v[i - 1], rest = dotRows(v, v, i - 1);
    tau[i] = 0, e[i - 1] = alpha;
    if (rest == 0) continue;
    f64 size = __builtin_sqrt(alpha * alpha + rest), beta = alpha >= 0 ? -size : size;
    f64 scale = 1 / (alpha - beta);
    for (int j = 0; j < i - 1; j++) v[j] *= scale;
    v[i - 1] = 1;
    e[i - 1] = beta, tau[i] = (beta - alpha) / beta;
    lowerProduct(A, i, stride, v, work);
    f64 half = tau[i] * tau[i] * dotRows(work, v, i) / 2;
    for (int j = 0; j < i; j++) work[j] = tau[i] * work[j] - half * v[j];
    lowerUpdate(A, i, stride, v, work);
  }
  if (n > 0) d[0] = A[0];
}

/** Every one of m rows of X (`stride` numbers apart) becomes Q times it. */
void EXPORT(applyReflectors)(const f64 *A, int n, int stride, const f64 *tau, f64 *X, int m) {
  for (int i = 1; i < n; i++) {
    if (tau[i] == 0) continue;
    const f64 *v = A + i * stride;
    for (int q = 0; q < m; q++) {
      f64 *x = X + q * stride, factor = tau[i] * dotRows(v, x, i);
      vec f = wasm_f64x2_splat(factor);
      int j = 0;
      for (; j + 2 <= i; j += 2) store(x + j, sub(load(x + j), mul(f, load(v + j))));
      for (; j < i; j++) x[j] -= factor * v[j];
    }
  }
}
