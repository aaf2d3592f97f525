// Public face of @ood/linalg.
export { dominantEigenvectors, type Eigenpairs } from './dominant-eigenvectors.ts'
export { symmetricEigenvalues, tridiagonalEigenvalues } from './eigenvalues.ts'
export { cholesky, type LogDeterminant, luLogDet } from './factorize.ts'
export { type GramOptions, gram, gramTridiagonal, scatterTridiagonal } from './gram.ts'
export { type MatmulOptions, matmul } from './matmul.ts'
export { type NeighbourOptions, type Neighbours, nearestNeighbours } from './nearest-neighbours.ts'
export {
  columnMeans,
  type DistancePoints,
  distancePoints,
  productBound,
  type RankOptions,
  type RankTarget,
  rankNeighbours,
} from './neighbour-blocks.ts'
export { blockSquares, pairSquares } from './pair-squares.ts'
export { pairsWithin } from './pairs-within.ts'
export { type Resolvent, tridiagonalResolvent } from './resolvent.ts'
export { type SearchRange, searchNeighbours } from './search-neighbours.ts'
export type { SearchTarget } from './search-target.ts'
export { squaredDistance } from './squared-distance.ts'
export { sturmCount } from './sturm.ts'
export type { Tridiagonal } from './tridiagonal.ts'
export { tridiagonalize } from './tridiagonalize.ts'
export { wasmMatmul } from './wasm-matmul.ts'
