// Register-blocked float64 products: Gram matrices into packed symmetric form, and C += A B.
#include "simd.h"

/** Columns of a K x n row-major matrix (`stride` numbers a row) into panels [n / 4][K][4]. */
void EXPORT(panelsOfColumns)(const f64 *M, int K, int n, int stride, f64 *out) {
  int whole = n >> 2;
  for (int b = 0; b < whole; b++) {
    for (int k = 0; k < K; k++, out += 4) {
      const f64 *in = M + k * stride + 4 * b;
      store(out, load(in)), store(out + 2, load(in + 2));
    }
  }
  if (n & 3) {
    for (int k = 0; k < K; k++, out += 4) {
      for (int q = 0; q < 4; q++) out[q] = 4 * whole + q < n ? M[k * stride + 4 * whole + q] : 0;
    }
  }
}

/** The same panels from the transpose: M is n x K row-major (`stride` numbers a row). */
void EXPORT(panelsOfRows)(const f64 *M, int K, int n, int stride, f64 *out) {
  for (int b = 0; 4 * b < n; b++) {
    for (int q = 0; q < 4; q++) {
      const f64 *in = M + (4 * b + q) * stride;
      f64 *to = out + 4 * K * b + q;
      if (4 * b + q < n) {
        for (int k = 0; k < K; k++) to[4 * k] = in[k];
      } else {
        for (int k = 0; k < K; k++) to[4 * k] = 0;
      }
    }
  }
}

/** acc[2 q], acc[2 q + 1] = row q of the 4 x 4 block Σ_k a[k] b[k]ᵀ: 16 arithmetic instructions on 6 loads a step. */
#define BLOCK_PRODUCT(K, a, b)                                                      \
  vec c00 = zero(), c01 = zero(), c10 = zero(), c11 = zero();                       \
  vec c20 = zero(), c21 = zero(), c30 = zero(), c31 = zero();                       \
  for (int k = 0; k < 4 * (K); k += 4) {                                            \
    vec left = load((b) + k), right = load((b) + k + 2), x = splat((a) + k);        \
    c00 = add(c00, mul(x, left)), c01 = add(c01, mul(x, right)), x = splat((a) + k + 1); \
    c10 = add(c10, mul(x, left)), c11 = add(c11, mul(x, right)), x = splat((a) + k + 2); \
    c20 = add(c20, mul(x, left)), c21 = add(c21, mul(x, right)), x = splat((a) + k + 3); \
    c30 = add(c30, mul(x, left)), c31 = add(c31, mul(x, right));                    \
  }

static inline void accumulate(f64 *c, vec v) { store(c, add(load(c), v)); }

static NOINLINE void gramBlockRow(const f64 *panels, int K, int i, f64 *c) {
  const f64 *a = panels + 4 * K * i, *b = panels;
  for (int j = 0; j <= i; j++, b += 4 * K, c += 16) {
    BLOCK_PRODUCT(K, a, b)
    accumulate(c, c00), accumulate(c + 2, c10), accumulate(c + 4, c20), accumulate(c + 6, c30);
    accumulate(c + 8, c01), accumulate(c + 10, c11), accumulate(c + 12, c21), accumulate(c + 14, c31);
  }
}

/** Packed symmetric A += PᵀP for the panels of a K x n matrix P, blocks = n / 4 rounded up. */
void EXPORT(addGram)(const f64 *panels, int K, int blocks, f64 *A) {
  for (int i = 0; i < blocks; i++) gramBlockRow(panels, K, i, blockRow(A, i));
}

static NOINLINE void productBlockRow(const f64 *a, const f64 *b, int K, int blocks, f64 *c, int stride) {
  for (int j = 0; j < blocks; j++, b += 4 * K, c += 4) {
    BLOCK_PRODUCT(K, a, b)
    accumulate(c, c00), accumulate(c + 2, c01);
    accumulate(c + stride, c10), accumulate(c + stride + 2, c11);
    accumulate(c + 2 * stride, c20), accumulate(c + 2 * stride + 2, c21);
    accumulate(c + 3 * stride, c30), accumulate(c + 3 * stride + 2, c31);
  }
}

/** C += AᵀB for the panels of A (K x 4 rowBlocks) and B (K x 4 colBlocks); C row-major, `stride` numbers a row. */
void EXPORT(addProduct)(const f64 *a, const f64 *b, int K, int rowBlocks, int colBlocks, f64 *C, int stride) {
  for (int i = 0; i < rowBlocks; i++) productBlockRow(a + 4 * K * i, b, K, colBlocks, C + 4 * stride * i, stride);
}

/** Sets n numbers to zero, n a multiple of 4. */
void EXPORT(clear)(f64 *p, int n) {
  for (int i = 0; i < n; i += 4) store(p + i, zero()), store(p + i + 2, zero());
}

/**
 * Subtracts from a K x n row-major matrix the mean of each column, taken about the first row: exact for constant columns.
 *
 * @param mean room for n numbers
 */
void EXPORT(centreColumns)(f64 *M, int K, int n, f64 *mean) {
  for (int j = 0; j < n; j++) mean[j] = 0;
  for (int k = 1; k < K; k++) {
    const f64 *row = M + k * n;
    int j = 0;
    for (; j + 2 <= n; j += 2) store(mean + j, add(load(mean + j), sub(load(row + j), load(M + j))));
    for (; j < n; j++) mean[j] += row[j] - M[j];
  }
  for (int j = 0; j < n; j++) mean[j] = mean[j] / K + M[j];
  for (int k = 0; k < K; k++) {
    f64 *row = M + k * n;
    int j = 0;
    for (; j + 2 <= n; j += 2) store(row + j, sub(load(row + j), load(mean + j)));
    for (; j < n; j++) row[j] -= mean[j];
  }
}

/** The largest |p_i| of n numbers, NaN if one of them is. */
f64 EXPORT(largestOf)(const f64 *p, int n) {
  vec most = zero();
  int i = 0;
  for (; i + 2 <= n; i += 2) most = wasm_f64x2_max(most, wasm_f64x2_abs(load(p + i)));
  if (i < n) most = wasm_f64x2_max(most, wasm_f64x2_abs(splat(p + i)));
  f64 a = wasm_f64x2_extract_lane(most, 0), b = wasm_f64x2_extract_lane(most, 1);
  return a != a || b != b ? a + b : a > b ? a : b;
}
