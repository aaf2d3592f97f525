// What a bundle for a browser gets as @ood/datasets: everything but files, downloads and the sample images.
export { type GeneratedName, generatedNames, generatedSet } from './generated/generated.ts'
export { exactGenomeModel } from './genomics/exact.ts'
export { BASES, type GenomeLawOptions, type GenomeSplit, genomeSplits, mutatedGenomeLaw } from './genomics/law.ts'
export {
  type GenomeSet,
  type SyntheticGenomeOptions,
  type SyntheticGenomes,
  syntheticGenomes,
} from './genomics/synthetic.ts'
export { decodeImages, type EncodedImage } from './images/decode.ts'
export { greyscale } from './images/greyscale.ts'
export { resizeImages } from './images/resize.ts'
export { benchmarkManifold, benchmarkSuite } from './manifolds/benchmark-suite.ts'
export {
  chain,
  randomRotation,
  rotation,
  type SquiggleStep,
  squiggleStep,
  squiggly,
} from './manifolds/diffeomorphisms.ts'
export { multiscaleGaussian, projectedGaussians } from './manifolds/gaussian.ts'
export { type LinearMapKind, linearMap, polarIsometry, projected } from './manifolds/linear-maps.ts'
export { lollipop } from './manifolds/lollipop.ts'
export { type LatentLaw, type ManifoldMixtureOptions, manifoldMixture } from './manifolds/mixture.ts'
export { simplexModes } from './manifolds/modes.ts'
export { mondrian } from './manifolds/mondrian.ts'
export { checkerboard, eightGaussians, pinwheel, twoCircles, twoMoons, twoSpirals } from './manifolds/plane-toys.ts'
export { type RandomFlowOptions, randomFlow } from './manifolds/random-flows.ts'
export { lidBenchmark, manifold, manifoldNames, type NamedManifoldOptions } from './manifolds/registry.ts'
export { type ManifoldSet, type ManifoldSetOptions, manifoldSet } from './manifolds/set.ts'
export { kleinBottle, sphere, swissRoll, torusCircle, vonMisesCircle } from './manifolds/surfaces.ts'
export type { Diffeomorphism, Manifold, ManifoldPoints, PointMap, PointSampler } from './manifolds/types.ts'
export { decodeIdx, encodeIdx, type ReadIdxOptions } from './readers/idx-format.ts'
export type { ImageCollection, ImageOptions } from './readers/image-options.ts'
export { decodeNpy, encodeNpy } from './readers/npy.ts'
export { type RawArray, type RawData, toBatch } from './readers/raw-array.ts'
export type { Dataset, LoadOptions } from './registry/options.ts'
export { datasetNames, type Split } from './registry/sources.ts'
export { type DescribedData, dataUnits } from './transforms/data-units.ts'
export { preprocessing } from './transforms/preprocessing.ts'
export type { ForwardOptions, InverseOptions, Transform, Transformed, TransformSpec } from './transforms/types.ts'
