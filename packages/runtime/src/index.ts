// Public face of @ood/runtime.
export { type Checkpoint, type CheckpointOptions, openCheckpoint } from './checkpoint.ts'
export { DEVICES, type Device, parseDevice } from './device.ts'
export { type HandOver, handOver } from './hand-over.ts'
export {
  GRAPH_ROLES,
  type GraphEntry,
  type GraphPorts,
  type Manifest,
  type Mixture,
  type ModelKind,
  type Mutation,
  type PreprocessingStep,
  SCHEMA_VERSION,
} from './manifest.ts'
export { type MatmulOptions, type OpenMatmul, openMatmul } from './matmul.ts'
export {
  type Engine,
  type EngineParts,
  type KernelSet,
  serveKernels,
  startEngine,
  taskModule,
  type WorkerSetup,
} from './model/engine.ts'
export { feedNumbers, takeFloats, toFloat32 } from './model/floats.ts'
export { openModelFolder } from './model/open-folder.ts'
export { type ModelOptions, type ModelSettings, modelSettings } from './model/settings.ts'
export { parseManifest } from './parse-manifest.ts'
export { openPool, type Pool, type PoolOptions, type TaskOptions } from './pool.ts'
export { type Optimization, openSession, type Session, type SessionOptions } from './session.ts'
export type { ElementType, Port, TensorStorage, TensorValue } from './tensor-value.ts'
export { type ManifestDescription, writeManifest } from './write-manifest.ts'
