// What a bundle for a browser gets as @ood/core/node: errors in the same form, and one clear line from whatever needs
// a file system. So decoders of bytes bundle although they share their files with readers of paths.
import { OodError } from './errors.ts'
import type * as real from './node.ts'

export { fileError, fileReason, isSystemError } from './node/errors.ts'

export const PART: typeof real.PART = '.part'

function absent(name: string): () => never {
  return () => {
    throw new OodError('E_UNSUPPORTED', `${name}: expected Node, got a browser, which has no files: pass bytes`)
  }
}
export const fileSha256: typeof real.fileSha256 = absent('fileSha256')
export const fileSha256Sync: typeof real.fileSha256Sync = absent('fileSha256Sync')
export const fileSize: typeof real.fileSize = absent('fileSize')
export const flush: typeof real.flush = absent('flush')
export const flushSync: typeof real.flushSync = absent('flushSync')
export const insideFolder: typeof real.insideFolder = absent('insideFolder')
export const makeFolder: typeof real.makeFolder = absent('makeFolder')
export const makeFolderSync: typeof real.makeFolderSync = absent('makeFolderSync')
export const partName: typeof real.partName = absent('partName')
export const readBounded: typeof real.readBounded = absent('readBounded')
export const readBoundedSync: typeof real.readBoundedSync = absent('readBoundedSync')
export const removeParts: typeof real.removeParts = absent('removeParts')
export const sha256: typeof real.sha256 = absent('sha256')
export const withFile: typeof real.withFile = absent('withFile')
export const withFileSync: typeof real.withFileSync = absent('withFileSync')
export const writeFileAtomic: typeof real.writeFileAtomic = absent('writeFileAtomic')
export const writeFileAtomicSync: typeof real.writeFileAtomicSync = absent('writeFileAtomicSync')
export const writeFilesAtomicSync: typeof real.writeFilesAtomicSync = absent('writeFilesAtomicSync')
export const writeFolderAtomic: typeof real.writeFolderAtomic = absent('writeFolderAtomic')
