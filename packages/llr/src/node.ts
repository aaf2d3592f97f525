// @ood/llr/node: detectors as folders on disk. The only part of the package that uses Node's files.
export {
  type DetectorFolder,
  type LoadDetectorOptions,
  type LoadedDetector,
  loadDetector,
  type OpenModel,
  openDetectorFolder,
} from './ratio/node/load.ts'
export { type SaveDetectorOptions, type Storable, saveDetector } from './ratio/node/save.ts'
