// Blocked Householder tridiagonalisation of a packed symmetric matrix, and the conversions to and from that format.
//
// Measured at n = 784 on one core of a 2.8 GHz Ice Lake Xeon, Node 20.20: 55 ms for `tridiagonalize` below (60 ms with
// the checks and copies around it; 650 ms in plain TypeScript). Of it the 783 symmetric products take 25 ms and the
// rank-2k updates 23 ms. The bound: 4/3 n³ = 642 MFLOP at two 128-bit instructions a cycle without fused multiply-add, the
// 13.6 GFLOP/s that the product reaches at n = 392, is 47 ms. The products are not bound by memory even where half the
// matrix (2.4 MB) exceeds the second-level cache: 12 GFLOP/s at n = 784. So neither fusing the update with the next product
// nor a two-stage reduction (which adds 6 b n² flops for bandwidth b) has much left to win here.
// Panels of 8, 12, 16, 24, 32, 48 columns: 56, 55, 58, 59, 59, 62 ms.
#include "simd.h"

/** Rows r0..r1-1 (r0 a multiple of 4) of a symmetric matrix into packed form; `rows` points at row r0, lower part used. */
void EXPORT(packSymmetric)(const f64 *rows, int n, int r0, int r1, f64 *A) {
  for (int b = r0 >> 2; 4 * b < r1; b++) {
    f64 *out = blockRow(A, b);
    for (int j = 0; j < 4 * b + 4; j++) {
      for (int q = 0; q < 4; q++) {
        int r = 4 * b + q, high = r > j ? r : j, low = r > j ? j : r;
        out[(j >> 1) * 8 + 2 * q + (j & 1)] = high < n ? rows[(high - r0) * n + low] : 0;
      }
    }
  }
}

/** Rows r0..r1-1 of a packed symmetric matrix, both triangles; `rows` points at row r0. */
void EXPORT(unpackSymmetric)(f64 *A, int n, int r0, int r1, f64 *rows) {
  for (int r = r0; r < r1; r++) {
    f64 *out = rows + (r - r0) * n;
    const f64 *in = blockRow(A, r >> 2) + 2 * (r & 3);
    for (int j = 0; j <= r; j++) out[j] = in[(j >> 1) * 8 + (j & 1)];
    for (int j = r + 1; j < n; j++) out[j] = blockRow(A, j >> 2)[(r >> 1) * 8 + 2 * (j & 3) + (r & 1)];
  }
}

static inline void productBlockRow(const f64 *a, int b, const f64 *x, f64 *y) {
  const f64 *xb = x + 4 * b;
  vec x0 = splat(xb), x1 = splat(xb + 1), x2 = splat(xb + 2), x3 = splat(xb + 3);
  vec s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
  for (int j = 0; j < 4 * b; j += 2, a += 8) {
    vec xj = load(x + j), a0 = load(a), a1 = load(a + 2), a2 = load(a + 4), a3 = load(a + 6);
    s0 = add(s0, mul(a0, xj));
    s1 = add(s1, mul(a1, xj));
    s2 = add(s2, mul(a2, xj));
    s3 = add(s3, mul(a3, xj));
    vec t = add(add(mul(a0, x0), mul(a1, x1)), add(mul(a2, x2), mul(a3, x3)));
    store(y + j, add(load(y + j), t));
  }
  for (int h = 0; h < 4; h += 2, a += 8) {
    vec xj = load(xb + h);
    s0 = add(s0, mul(load(a), xj));
    s1 = add(s1, mul(load(a + 2), xj));
    s2 = add(s2, mul(load(a + 4), xj));
    s3 = add(s3, mul(load(a + 6), xj));
  }
  f64 *yb = y + 4 * b;
  yb[0] += total(s0);
  yb[1] += total(s1);
  yb[2] += total(s2);
  yb[3] += total(s3);
}

/**
 * y = A x for the leading m x m block; every stored number is read once and used twice. x is zero from m to the next
 * multiple of 4; y is garbage there. Alternate calls run the block rows in opposite order: what the last one left in
 * the second-level cache is read first.
 */
static NOINLINE void symmetricProduct(f64 *A, int m, const f64 *x, f64 *y, int backwards) {
  int blocks = roundUp4(m) >> 2;
  for (int j = 0; j < 4 * blocks; j += 2) store(y + j, zero());
  if (backwards) {
    for (int b = blocks - 1; b >= 0; b--) productBlockRow(blockRow(A, b), b, x, y);
  } else {
    for (int b = 0; b < blocks; b++) productBlockRow(blockRow(A, b), b, x, y);
  }
}

/** 4 x 4 block C -= Vi Wjᵀ + Wi Vjᵀ, the factors being panels of k columns. */
static inline void updateBlock(f64 *c, int k, const f64 *vi, const f64 *wi, const f64 *vj, const f64 *wj) {
  vec c00 = load(c), c10 = load(c + 2), c20 = load(c + 4), c30 = load(c + 6);
  vec c01 = load(c + 8), c11 = load(c + 10), c21 = load(c + 12), c31 = load(c + 14);
  for (int p = 0; p < 4 * k; p += 4) {
    vec left = load(wj + p), right = load(wj + p + 2), a = splat(vi + p);
    c00 = sub(c00, mul(a, left)), c01 = sub(c01, mul(a, right)), a = splat(vi + p + 1);
    c10 = sub(c10, mul(a, left)), c11 = sub(c11, mul(a, right)), a = splat(vi + p + 2);
    c20 = sub(c20, mul(a, left)), c21 = sub(c21, mul(a, right)), a = splat(vi + p + 3);
    c30 = sub(c30, mul(a, left)), c31 = sub(c31, mul(a, right));
    left = load(vj + p), right = load(vj + p + 2), a = splat(wi + p);
    c00 = sub(c00, mul(a, left)), c01 = sub(c01, mul(a, right)), a = splat(wi + p + 1);
    c10 = sub(c10, mul(a, left)), c11 = sub(c11, mul(a, right)), a = splat(wi + p + 2);
    c20 = sub(c20, mul(a, left)), c21 = sub(c21, mul(a, right)), a = splat(wi + p + 3);
    c30 = sub(c30, mul(a, left)), c31 = sub(c31, mul(a, right));
  }
  store(c, c00), store(c + 2, c10), store(c + 4, c20), store(c + 6, c30);
  store(c + 8, c01), store(c + 10, c11), store(c + 12, c21), store(c + 14, c31);
}

/** One block row of A -= V Wᵀ + W Vᵀ. */
static NOINLINE void updateBlockRow(f64 *c, int b, int k, const f64 *V, const f64 *W) {
  const f64 *vi = V + 4 * k * b, *wi = W + 4 * k * b;
  for (int j = 0; j <= b; j++) updateBlock(c + 16 * j, k, vi, wi, V + 4 * k * j, W + 4 * k * j);
}

/** k rows of length >= 4 * blocks, `stride` apart, into one panel. */
static NOINLINE void panelOfRows(const f64 *rows, int k, int stride, int blocks, f64 *out) {
  for (int b = 0; b < blocks; b++) {
    for (int p = 0; p < k; p++, out += 4) {
      const f64 *in = rows + p * stride + 4 * b;
      store(out, load(in)), store(out + 2, load(in + 2));
    }
  }
}

/** a · b over n numbers, n a multiple of 4. */
static NOINLINE f64 dot(const f64 *a, const f64 *b, int n) {
  vec s = zero(), t = zero();
  for (int j = 0; j < n; j += 4) {
    s = add(s, mul(load(a + j), load(b + j)));
    t = add(t, mul(load(a + j + 2), load(b + j + 2)));
  }
  return total(add(s, t));
}

/** y = scale y - factor x. */
static NOINLINE void combine(f64 *y, f64 scale, f64 factor, const f64 *x, int n) {
  vec s = wasm_f64x2_splat(scale), f = wasm_f64x2_splat(factor);
  for (int j = 0; j < n; j += 2) store(y + j, sub(mul(load(y + j), s), mul(load(x + j), f)));
}

/** y -= a[0] p + a[1] q + a[2] r + a[3] s. */
static NOINLINE void subtract4(f64 *y, const f64 *a, const f64 *p, const f64 *q, const f64 *r, const f64 *s, int n) {
  vec a0 = splat(a), a1 = splat(a + 1), a2 = splat(a + 2), a3 = splat(a + 3);
  for (int j = 0; j < n; j += 2) {
    vec t = add(mul(a0, load(p + j)), mul(a1, load(q + j)));
    vec u = add(mul(a2, load(r + j)), mul(a3, load(s + j)));
    store(y + j, sub(load(y + j), add(t, u)));
  }
}

/** out = (x · p, x · q, x · r, x · s). */
static NOINLINE void dot4(const f64 *x, const f64 *p, const f64 *q, const f64 *r, const f64 *s, int n, f64 *out) {
  vec s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
  for (int j = 0; j < n; j += 2) {
    vec xj = load(x + j);
    s0 = add(s0, mul(xj, load(p + j)));
    s1 = add(s1, mul(xj, load(q + j)));
    s2 = add(s2, mul(xj, load(r + j)));
    s3 = add(s3, mul(xj, load(s + j)));
  }
  out[0] = total(s0), out[1] = total(s1), out[2] = total(s2), out[3] = total(s3);
}

/**
 * Reduces the packed matrix A (destroyed) to tridiagonal form QᵀAQ, last row first, and z to Qᵀz.
 *
 * Rows are handled k at a time (Dongarra, Hammarling and Sorensen 1989, LAPACK's dsytrd): within a panel the matrix stays
 * as it was and A - V Wᵀ - W Vᵀ is applied to one row and one product at a time; after it, in one rank-2k update. Half of
 * the 4/3 n³ flops are the symmetric products, half the updates. Reflectors vanish from coordinate i on, so the rows
 * still to do keep their place and alignment.
 *
 * @param z n rounded up to 4 numbers, zero beyond n
 * @param d n numbers out, @param e n - 1 numbers out
 * @param work 4 k (n rounded up to 4) numbers; k even
 */
void EXPORT(tridiagonalize)(f64 *A, int n, f64 *z, f64 *d, f64 *e, f64 *work, int k) {
  int stride = roundUp4(n), i = n - 1, p = 0, turn = 0;
  f64 *V = work, *W = V + k * stride, *panelV = W + k * stride, *panelW = panelV + k * stride, a[4];
  while (i >= 1) {
    for (p = 0; p < k && i >= 1; p++, i--) {
      f64 *v = V + p * stride, *w = W + p * stride;
      int length = roundUp4(i + 1);
      const f64 *row = blockRow(A, i >> 2) + 2 * (i & 3);
      for (int j = 0; j < length; j += 2) store(v + j, load(row + 4 * j));
      // A panel has pairs of finished columns; an odd last one is paired with the zeroes of the column being made.
      for (int j = 0; j < stride; j += 2) store(w + j, zero());
      for (int q = 0; q < p; q += 2) {
        f64 *v0 = V + q * stride, *w0 = W + q * stride, *v1 = v0 + stride, *w1 = w0 + stride;
        a[0] = v0[i], a[1] = w0[i], a[2] = q + 1 < p ? v1[i] : 0, a[3] = q + 1 < p ? w1[i] : 0;
        if (q + 1 == p) v1 = v0, w1 = w0;
        subtract4(v, a, w0, v0, w1, v1, length);
      }
      d[i] = v[i];
      for (int j = i; j < stride; j++) v[j] = 0;
      f64 alpha = v[i - 1];
      v[i - 1] = 0;
      f64 rest = dot(v, v, length);
      e[i - 1] = alpha;
      if (!(rest > 0)) {
        // The row is already reduced: no reflector, and its panel columns are zero.
        for (int j = 0; j < stride; j += 2) store(v + j, zero());
        continue;
      }
      // beta has the sign opposite to alpha, so alpha - beta does not cancel.
      f64 beta = __builtin_sqrt(alpha * alpha + rest);
      if (alpha >= 0) beta = -beta;
      f64 tau = (beta - alpha) / beta;
      combine(v, 1 / (alpha - beta), 0, v, length);
      v[i - 1] = 1;
      e[i - 1] = beta;
      length = roundUp4(i);
      combine(z, 1, tau * dot(v, z, length), v, length);
      symmetricProduct(A, i, v, w, turn ^= 1);
      for (int q = 0; q < p; q += 2) {
        f64 *v0 = V + q * stride, *w0 = W + q * stride, *v1 = v0 + stride, *w1 = w0 + stride;
        if (q + 1 == p) v1 = v0, w1 = w0;
        dot4(v, w0, v0, w1, v1, length, a);
        if (q + 1 == p) a[2] = a[3] = 0;
        subtract4(w, a, v0, w0, v1, w1, length);
      }
      combine(w, tau, tau * tau * dot(w, v, length) / 2, v, length);
      for (int j = i; j < stride; j++) w[j] = 0;
    }
    if (i < 1) break;
    int blocks = (i >> 2) + 1;
    panelOfRows(V, p, stride, blocks, panelV);
    panelOfRows(W, p, stride, blocks, panelW);
    for (int b = 0; b < blocks; b++) updateBlockRow(blockRow(A, b), b, p, panelV, panelW);
  }
  // Entry (0, 0) still lacks the updates of the last panel.
  f64 last = A[0];
  for (int q = 0; q < p; q++) last -= 2 * V[q * stride] * W[q * stride];
  d[0] = last;
}
