// Byte order: files say theirs, typed arrays have the machine's.

/** The machine's byte order. */
export const machineOrder: 'little' | 'big' = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'little' : 'big'

/** Reverses every `width` (1, 2, 4 or 8) bytes in place when `order` is not the machine's. */
export function swapBytes(bytes: Uint8Array, width: number, order: 'little' | 'big'): void {
  if (order === machineOrder || width === 1) return
  if (typeof Buffer === 'undefined') {
    for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse()
    return
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (width === 2) buffer.swap16()
  else if (width === 4) buffer.swap32()
  else buffer.swap64()
}
