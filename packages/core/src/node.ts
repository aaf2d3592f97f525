// Public face of @ood/core/node: files, once for all packages. The only part of the package that uses Node.
export { fileError, fileReason, isSystemError } from './node/errors.ts'
export { makeFolder, makeFolderSync } from './node/folder.ts'
export { fileSha256, fileSha256Sync, sha256 } from './node/hash.ts'
export { type InsideOptions, insideFolder } from './node/inside.ts'
export { flush, flushSync, PART, partName, removeParts } from './node/parts.ts'
export { fileSize, type OpenFile, readBounded, readBoundedSync, withFile, withFileSync } from './node/read.ts'
export {
  type Chunks,
  writeFileAtomic,
  writeFileAtomicSync,
  writeFilesAtomicSync,
  writeFolderAtomic,
} from './node/write.ts'
