// k nearest neighbours by brute force: float32 products choose candidates, exact float64 distances decide.
//
// Four float32 lanes do twice the work of two float64 ones, and their rounding is only paid for with candidates: with
// products P_ij of centred rows and n_i = |x_i|², the squared distance n_i + n_j - 2 P_ij is wrong by at most
// e (n_i + n_j), so low_j - 2 P_ij with low_j = n_j (1 - e) is, but for terms of i alone, the least it can be, and
// that plus 2 e n_j the most. Rows whose least is no more than the k-th smallest most are candidates.
#include "distances.h"

typedef float f32;

/** Panels of a count x d matrix of float32: groups of 8 rows, [count / 8][d][8], zero beyond count. */
enum { GROUP = 8 };

static inline vec splat32(const f32 *p) { return wasm_v128_load32_splat(p); }
static inline vec load32(const f32 *p) { return wasm_v128_load(p); }

/** Rows (d numbers each) times `factor` in panels. */
void EXPORT(shortPanels)(const f64 *rows, int count, int d, f64 factor, f32 *out) {
  for (int b = 0; b < count; b += GROUP, out += GROUP * d) {
    int height = count - b < GROUP ? count - b : GROUP;
    if (height < GROUP)
      for (int i = 0; i < GROUP * d; i++) out[i] = 0;
    for (int q = 0; q < height; q++) {
      const f64 *in = rows + (b + q) * d;
      for (int j = 0; j < d; j++) out[GROUP * j + q] = (f32)(in[j] * factor);
    }
  }
}

/** c += 4 rows of one group (from row `a` on) times the 8 rows of another, over `depth` coordinates. */
static inline void shortBlock(const f32 *a, const f32 *b, int depth, f32 *c, int stride) {
  f32 *c1 = c + stride, *c2 = c1 + stride, *c3 = c2 + stride;
  vec s00 = load32(c), s01 = load32(c + 4), s10 = load32(c1), s11 = load32(c1 + 4);
  vec s20 = load32(c2), s21 = load32(c2 + 4), s30 = load32(c3), s31 = load32(c3 + 4);
#define STEP(x, s, t) s = wasm_f32x4_add(s, wasm_f32x4_mul(x, left)), t = wasm_f32x4_add(t, wasm_f32x4_mul(x, right))
  for (int l = 0; l < depth; l++, a += GROUP, b += GROUP) {
    vec left = load32(b), right = load32(b + 4), x = splat32(a);
    STEP(x, s00, s01);
    x = splat32(a + 1);
    STEP(x, s10, s11);
    x = splat32(a + 2);
    STEP(x, s20, s21);
    x = splat32(a + 3);
    STEP(x, s30, s31);
  }
#undef STEP
  wasm_v128_store(c, s00), wasm_v128_store(c + 4, s01), wasm_v128_store(c1, s10), wasm_v128_store(c1 + 4, s11);
  wasm_v128_store(c2, s20), wasm_v128_store(c2 + 4, s21), wasm_v128_store(c3, s30), wasm_v128_store(c3 + 4, s31);
}

/** Coordinates summed in one go, and groups whose share of them (6 kB each) stays in the second-level cache. */
enum { DEPTH = 192, COLUMNS = 32 };

/**
 * C += products of `rows` groups with `columns` groups, C with 8 rows a group and `stride` numbers a row. With `lower`
 * only groups up to the diagonal are computed.
 */
void EXPORT(shortProducts)(const f32 *a, const f32 *b, int d, int rows, int columns, int lower, f32 *C, int stride) {
  for (int from = 0; from < columns; from += COLUMNS) {
    int to = from + COLUMNS < columns ? from + COLUMNS : columns;
    for (int l = 0; l < d; l += DEPTH) {
      int depth = d - l < DEPTH ? d - l : DEPTH;
      for (int i = lower ? from : 0; i < rows; i++) {
        const f32 *left = a + GROUP * (i * d + l);
        int end = lower && i + 1 < to ? i + 1 : to;
        f32 *c = C + GROUP * i * stride;
        for (int j = from; j < end; j++) shortBlock(left, b + GROUP * (j * d + l), depth, c + GROUP * j, stride);
        c += 4 * stride;
        for (int j = from; j < end; j++) shortBlock(left + 4, b + GROUP * (j * d + l), depth, c + GROUP * j, stride);
      }
    }
  }
}

/** Copies the lower triangle of an n x n matrix to the upper one, n a multiple of 8. */
void EXPORT(mirrorShort)(f32 *C, int n) {
  for (int i = 0; i < n; i += 4) {
    for (int j = 0; j <= i; j += 4) {
      const f32 *c = C + i * n + j;
      vec a = load32(c), b = load32(c + n), p = load32(c + 2 * n), q = load32(c + 3 * n);
      vec ab = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), AB = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
      vec pq = wasm_i32x4_shuffle(p, q, 0, 4, 1, 5), PQ = wasm_i32x4_shuffle(p, q, 2, 6, 3, 7);
      f32 *t = C + j * n + i;
      wasm_v128_store(t, wasm_i64x2_shuffle(ab, pq, 0, 2));
      wasm_v128_store(t + n, wasm_i64x2_shuffle(ab, pq, 1, 3));
      wasm_v128_store(t + 2 * n, wasm_i64x2_shuffle(AB, PQ, 0, 2));
      wasm_v128_store(t + 3 * n, wasm_i64x2_shuffle(AB, PQ, 1, 3));
    }
  }
}

static inline void replaceTop(f32 *heap, int k, f32 value) {
  int at = 0;
  for (;;) {
    int child = 2 * at + 1;
    if (child >= k) break;
    if (child + 1 < k && heap[child + 1] > heap[child]) child++;
    if (heap[child] <= value) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = value;
}

/** low_j - 2 P_j + spread_j for four columns. */
static inline vec most4(const f32 *P, const f32 *low, const f32 *spread, int j) {
  vec p = load32(P + j);
  return wasm_f32x4_add(wasm_f32x4_sub(load32(low + j), wasm_f32x4_add(p, p)), load32(spread + j));
}

/** The k-th smallest over columns 0, step, 2 step ... (four at a time), by a heap of the k smallest so far. */
static NOINLINE f32 kthByHeap(const f32 *P, const f32 *low, const f32 *spread, int n, int step, int k, f32 *heap) {
  for (int i = 0; i < k; i++) heap[i] = __builtin_inff();
  for (int j = 0; j < n; j += 4 * step) {
    vec v = most4(P, low, spread, j);
    if (!wasm_v128_any_true(wasm_f32x4_lt(v, splat32(heap)))) continue;
    f32 four[4];
    wasm_v128_store(four, v);
    for (int q = 0; q < 4; q++)
      if (four[q] < heap[0]) replaceTop(heap, k, four[q]);
  }
  return heap[0];
}

/** The k-th smallest of m numbers, which are put into another order (Hoare's selection, median of three). */
static NOINLINE f32 kthOf(f32 *a, int m, int k) {
  int from = 0, to = m - 1;
  while (from < to) {
    f32 x = a[from], y = a[(from + to) >> 1], z = a[to];
    f32 pivot = x < y ? (y < z ? y : x < z ? z : x) : (x < z ? x : y < z ? z : y);
    int i = from, j = to;
    while (i <= j) {
      while (a[i] < pivot) i++;
      while (a[j] > pivot) j--;
      if (i <= j) {
        f32 t = a[i];
        a[i++] = a[j], a[j--] = t;
      }
    }
    if (k - 1 <= j) to = j;
    else if (k - 1 >= i) from = i;
    else break;
  }
  return a[k - 1];
}

/** Columns of a sample, and the least neighbours for which sampling pays. */
enum { SAMPLE = 256, SAMPLED = 12 };

/**
 * The k-th smallest of low_j - 2 P_j + spread_j over n columns, n a multiple of 4. For many neighbours a sample says
 * below which number about 1.4 k columns lie, and the k-th is selected among those; should they be too few or too
 * many, a heap does it.
 */
static NOINLINE f32 kthMost(const f32 *P, const f32 *low, const f32 *spread, int n, int k, f32 *heap) {
  int step = n / SAMPLE;
  if (k < SAMPLED || step < 4) return kthByHeap(P, low, spread, n, 1, k, heap);
  int order = (int)(1.4f * (f32)k * SAMPLE / (f32)n) + 4;
  if (order > k) return kthByHeap(P, low, spread, n, 1, k, heap);
  f32 guess = kthByHeap(P, low, spread, n, step, order, heap);
  vec limit = wasm_f32x4_splat(guess);
  int found = 0, room = 4 * k;
  for (int j = 0; j < n && found + 4 <= room; j += 4) {
    vec v = most4(P, low, spread, j);
    int hit = wasm_i32x4_bitmask(wasm_f32x4_le(v, limit));
    if (!hit) continue;
    f32 four[4];
    wasm_v128_store(four, v);
    for (int q = 0; q < 4; q++)
      if (hit & 1 << q) heap[found++] = four[q];
  }
  if (found < k || found + 4 > room) return kthByHeap(P, low, spread, n, 1, k, heap);
  return kthOf(heap, found, k);
}

/** Columns whose low_j - 2 P_j is at most `limit`, ascending; returns how many. */
static NOINLINE int candidates(const f32 *P, const f32 *low, int n, f32 limit, int *out) {
  int found = 0;
  vec most = wasm_f32x4_splat(limit);
  for (int j = 0; j < n; j += 4) {
    vec p = load32(P + j), v = wasm_f32x4_sub(load32(low + j), wasm_f32x4_add(p, p));
    int hit = wasm_i32x4_bitmask(wasm_f32x4_le(v, most));
    for (; hit; hit &= hit - 1) out[found++] = j + __builtin_ctz(hit);
  }
  return found;
}

/**
 * Candidates of one query, ascending.
 *
 * @param P its products with n columns (a multiple of 4), @param exclude a column that does not count, or -1
 * @param slack 2 e n_i, rounded up
 * @param heap room for 4 k numbers, @param out room for n
 */
int EXPORT(chooseCandidates)(f32 *P, const f32 *low, const f32 *spread, int n, int k, int exclude, f32 slack, f32 *heap, int *out) {
  if (exclude >= 0) P[exclude] = -__builtin_inff();
  f32 limit = kthMost(P, low, spread, n, k, heap) + slack;
  // The sum was rounded.
  limit += __builtin_fabsf(limit) * 2.4e-7f;
  return candidates(P, low, n, limit, out);
}

static inline int isBefore(f64 a, int i, f64 b, int j) { return a < b || (a == b && i < j); }

static inline void sink(f64 *value, int *row, int start, int n) {
  f64 v = value[start];
  int r = row[start], at = start;
  for (;;) {
    int child = 2 * at + 1;
    if (child >= n) break;
    if (child + 1 < n && isBefore(value[child], row[child], value[child + 1], row[child + 1])) child++;
    if (isBefore(value[child], row[child], v, r)) break;
    value[at] = value[child], row[at] = row[child], at = child;
  }
  value[at] = v, row[at] = r;
}

/** Ascending by value, then by row. */
void EXPORT(sortPairs)(f64 *value, int *row, int n) {
  if (n <= 32) {
    for (int i = 1; i < n; i++) {
      f64 v = value[i];
      int r = row[i], at = i;
      for (; at > 0 && isBefore(v, r, value[at - 1], row[at - 1]); at--) value[at] = value[at - 1], row[at] = row[at - 1];
      value[at] = v, row[at] = r;
    }
    return;
  }
  for (int i = (n >> 1) - 1; i >= 0; i--) sink(value, row, i, n);
  for (int end = n - 1; end > 0; end--) {
    f64 v = value[0];
    int r = row[0];
    value[0] = value[end], row[0] = row[end];
    value[end] = v, row[end] = r;
    sink(value, row, 0, end);
  }
}

/** Distances of one point to `count` rows, `stride` numbers apart, stride even, zero beyond their length. */
void EXPORT(distancesOf)(const f64 *x, const f64 *Y, int stride, int count, f64 *distances) {
  for (int i = 0; i < count; i++) distances[i] = __builtin_sqrt(squaredDistance(x, Y + i * stride, stride));
}

/** Distances of one point to the rows of Y named in `rows`, sorted with them. */
void EXPORT(rankCandidates)(const f64 *x, const f64 *Y, int stride, int *rows, int count, f64 *distances) {
  int i = 0;
  for (; i + 2 <= count; i += 2)
    twoSquaredDistances(x, Y + rows[i] * stride, Y + rows[i + 1] * stride, stride, distances + i, distances + i + 1);
  if (i < count) distances[i] = squaredDistance(x, Y + rows[i] * stride, stride);
  for (i = 0; i < count; i++) distances[i] = __builtin_sqrt(distances[i]);
  sortPairs(distances, rows, count);
}

/**
 * Columns from..n-1 of one row (both multiples of 4) by R squared radii: `counts` grows by those surely within each,
 * and the columns that rounding leaves open for some radius, counted nowhere, are listed in `open`. Returns how many.
 *
 * @param within least that the most must stay below, @param beyond most that the least must not exceed, R each
 */
int EXPORT(countWithin)(const f32 *P, const f32 *low, const f32 *spread, int from, int n, const f32 *within, const f32 *beyond, int R, int *counts, int *open) {
  int found = 0;
  for (int j = from; j < n; j += 4) {
    vec p = load32(P + j), least = wasm_f32x4_sub(load32(low + j), wasm_f32x4_add(p, p));
    // Radii ascend: beyond the last one is beyond all.
    if (!wasm_v128_any_true(wasm_f32x4_le(least, splat32(beyond + R - 1)))) continue;
    vec most = wasm_f32x4_add(least, load32(spread + j));
    int doubt = 0;
    for (int r = 0; r < R; r++)
      doubt |= wasm_i32x4_bitmask(wasm_v128_andnot(wasm_f32x4_le(least, splat32(beyond + r)), wasm_f32x4_lt(most, splat32(within + r))));
    for (int r = 0; r < R; r++)
      counts[r] += __builtin_popcount(wasm_i32x4_bitmask(wasm_f32x4_lt(most, splat32(within + r))) & ~doubt);
    for (; doubt; doubt &= doubt - 1) open[found++] = j + __builtin_ctz(doubt);
  }
  return found;
}
