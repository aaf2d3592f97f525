// Public face of @ood/detect/node: detectors stored with their models. The only part of the package that uses Node.
export {
  type DetectorFolder,
  type DetectorFolderOptions,
  type LoadDetectorOptions,
  type LoadedDetector,
  loadDetector,
  type MakeMethod,
  type OpenModel,
  openDetectorFolder,
} from './node/load.ts'
export { type SaveDetectorOptions, type Storable, saveDetector } from './node/save.ts'
