// LU and Cholesky factorisations, right-looking, in blocks of columns (Golub and Van Loan, Matrix Computations, 3.4, 4.2).
#include "simd.h"

/** Columns factored between two updates of the rest; a multiple of 4. */
enum { WIDTH = 16 };

static NOINLINE void swapRows(f64 *a, f64 *b, int n) {
  for (int j = 0; j < n; j += 2) {
    vec t = load(a + j);
    store(a + j, load(b + j));
    store(b + j, t);
  }
}

/** y -= factor x. */
static NOINLINE void subtract(f64 *y, const f64 *x, f64 factor, int n) {
  vec f = wasm_f64x2_splat(factor);
  for (int j = 0; j < n; j += 2) store(y + j, sub(load(y + j), mul(f, load(x + j))));
}

static NOINLINE void negate(const f64 *from, f64 *to, int n) {
  for (int j = 0; j < n; j += 2) store(to + j, sub(zero(), load(from + j)));
}

/** Factors columns k..end-1 below row k. Returns the number of row exchanges, or -1 at a zero pivot. */
static NOINLINE int factorColumns(f64 *A, int n, int stride, int k, int end) {
  int swaps = 0;
  for (int c = k; c < end; c++) {
    int best = c;
    for (int r = c + 1; r < n; r++) {
      if (__builtin_fabs(A[r * stride + c]) > __builtin_fabs(A[best * stride + c])) best = r;
    }
    if (best != c) {
      swapRows(A + best * stride, A + c * stride, stride);
      swaps++;
    }
    f64 pivot = A[c * stride + c];
    if (pivot == 0) return -1;
    for (int r = c + 1; r < n; r++) {
      f64 factor = A[r * stride + c] / pivot;
      A[r * stride + c] = factor;
      for (int j = c + 1; j < end; j++) A[r * stride + j] -= factor * A[c * stride + j];
    }
  }
  return swaps;
}

/**
 * PA = LU in place with partial pivoting: the diagonal of U ends on the diagonal of A.
 *
 * @param A (n rounded up to 4)² numbers, row-major, zero beyond n
 * @param work 32 (n rounded up to 4) numbers
 * @returns the number of row exchanges, or -1 when a pivot is exactly zero
 */
int EXPORT(factorLU)(f64 *A, int n, f64 *work) {
  int stride = roundUp4(n), swaps = 0;
  f64 *left = work, *top = work + WIDTH * stride;
  for (int k = 0; k < n; k += WIDTH) {
    int end = k + WIDTH < n ? k + WIDTH : n;
    int count = factorColumns(A, n, stride, k, end);
    if (count < 0) return -1;
    swaps += count;
    if (end == n) break;
    for (int r = k + 1; r < end; r++) {
      for (int c = k; c < r; c++) subtract(A + r * stride + end, A + c * stride + end, A[r * stride + c], stride - end);
    }
    panelsOfRows(A + end * stride + k, WIDTH, n - end, stride, left);
    negate(left, left, WIDTH * (stride - end));
    panelsOfColumns(A + k * stride + end, WIDTH, n - end, stride, top);
    int blocks = (stride - end) >> 2;
    addProduct(left, top, WIDTH, blocks, blocks, A + end * stride + end, stride);
  }
  return swaps;
}

/**
 * A = L Lᵀ in place: L ends in the lower triangle of A, whose upper triangle is garbage then.
 *
 * @param A (n rounded up to 4)² numbers, row-major, zero beyond n; only the lower triangle matters
 * @param work 32 (n rounded up to 4) numbers
 * @returns -1, or the first column whose pivot is not positive (the pivot is then on the diagonal)
 */
int EXPORT(factorCholesky)(f64 *A, int n, f64 *work) {
  int stride = roundUp4(n);
  f64 *left = work, *right = work + WIDTH * stride;
  for (int k = 0; k < n; k += WIDTH) {
    int end = k + WIDTH < n ? k + WIDTH : n;
    for (int r = k; r < n; r++) {
      f64 *row = A + r * stride;
      int last = r < end ? r : end - 1;
      for (int c = k; c <= last; c++) {
        const f64 *other = A + c * stride;
        f64 sum = row[c];
        for (int j = k; j < c; j++) sum -= row[j] * other[j];
        if (c < r) {
          row[c] = sum / other[c];
        } else {
          row[c] = sum > 0 ? __builtin_sqrt(sum) : sum;
          if (!(sum > 0)) return c;
        }
      }
    }
    if (end == n) break;
    panelsOfRows(A + end * stride + k, WIDTH, n - end, stride, right);
    negate(right, left, WIDTH * (stride - end));
    for (int i = 0; end + 4 * i < n; i++)
      addProduct(left + 4 * WIDTH * i, right, WIDTH, 1, i + 1, A + (end + 4 * i) * stride + end, stride);
  }
  return -1;
}
