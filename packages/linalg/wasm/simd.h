// Short names for the 128-bit SIMD operations (two float64 a vector) and the storage formats the kernels share.
//
// Packed symmetric matrix, order n: block rows of 4 rows, only columns up to the diagonal block. Block row b starts at
// number 8 b (b + 1) and holds 4 b + 4 columns in pairs: entry (4 b + q, j) is at 8 (j / 2) + 2 q + j % 2. One pair of
// columns is one 64-byte cache line, so a sweep over the matrix is one sequential stream of n² / 2 numbers. Diagonal
// blocks hold both triangles; rows and columns from n to the next multiple of 4 are zero.
//
// Panels of a K x n matrix: groups of 4 columns, [n / 4][K][4], zero beyond n.
#pragma once
#include <wasm_simd128.h>

typedef double f64;
typedef v128_t vec;

#define EXPORT(name) __attribute__((export_name(#name), noinline)) name
#define NOINLINE __attribute__((noinline))

static inline vec load(const f64 *p) { return wasm_v128_load(p); }
static inline void store(f64 *p, vec v) { wasm_v128_store(p, v); }
static inline vec splat(const f64 *p) { return wasm_v128_load64_splat(p); }
static inline vec mul(vec a, vec b) { return wasm_f64x2_mul(a, b); }
static inline vec add(vec a, vec b) { return wasm_f64x2_add(a, b); }
static inline vec sub(vec a, vec b) { return wasm_f64x2_sub(a, b); }
static inline vec zero(void) { return wasm_f64x2_const(0, 0); }
static inline f64 total(vec a) { return wasm_f64x2_extract_lane(a, 0) + wasm_f64x2_extract_lane(a, 1); }

static inline int roundUp4(int n) { return (n + 3) & ~3; }
/** First number of block row b of a packed symmetric matrix. */
static inline f64 *blockRow(f64 *A, int b) { return A + 8 * b * (b + 1); }

void panelsOfColumns(const f64 *M, int K, int n, int stride, f64 *out);
void panelsOfRows(const f64 *M, int K, int n, int stride, f64 *out);
void addProduct(const f64 *a, const f64 *b, int K, int rowBlocks, int colBlocks, f64 *C, int stride);
