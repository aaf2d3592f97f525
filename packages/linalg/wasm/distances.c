// Squared distances of many pairs from differences.
#include "distances.h"

/**
 * Squared distances between m rows of X and n rows of Y, m x n. Rows are `stride` numbers apart, stride even, zero beyond
 * their length. `same` says that Y is X: then each pair is computed once, and written twice.
 */
void EXPORT(blockSquares)(const f64 *X, int m, const f64 *Y, int n, int stride, int same, f64 *out) {
  for (int i = 0; i < m; i++) {
    const f64 *x = X + i * stride;
    int j = 0, end = same ? i : n;
    for (; j + 2 <= end; j += 2) {
      const f64 *y = Y + j * stride;
      twoSquaredDistances(x, y, y + stride, stride, out + i * n + j, out + i * n + j + 1);
    }
    for (; j < end; j++) out[i * n + j] = squaredDistance(x, Y + j * stride, stride);
    if (!same) continue;
    out[i * n + i] = 0;
    for (j = 0; j < i; j++) out[j * n + i] = out[i * n + j];
  }
}
