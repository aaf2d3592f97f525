// Public face of @ood/cli: the command, and what its sub-commands do as functions.
export { type FitOptions, fitDetector } from './command/fit.ts'
export { type ImagesOptions, type NamedImages, readImages } from './command/images.ts'
export { type GraphReport, type InspectReport, inspectTarget, inspectText } from './command/inspect.ts'
export { ood } from './command/program.ts'
export { type ScoreOptions, scoreImages } from './command/score.ts'
export { runStatus } from './command/status.ts'
export type { WorkOptions } from './command/work.ts'
