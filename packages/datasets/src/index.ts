// Public face of @ood/datasets.
export { preprocessing } from './transforms/preprocessing.ts'
export type { ForwardOptions, InverseOptions, Transform, Transformed, TransformSpec } from './transforms/types.ts'
