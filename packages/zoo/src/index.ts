// Public face of @ood/zoo.
export { checkpointPath, listCheckpoints } from './checkpoints.ts'
