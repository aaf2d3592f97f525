// Huffman coding of quantised blocks into a JPEG scan (ITU-T T.81, annex F.1.2 and C.2).
import { huffman, type TableSet } from './tables.ts'

/** Code word and length of every symbol of a table. */
interface Codes {
  word: Uint16Array
  length: Uint8Array
}

/** Writes the blocks of a scan one after the other. */
interface ScanWriter {
  /** Codes 64 quantised coefficients in zigzag order; DC is coded as the difference from the component's last block. */
  block(coefficients: Int32Array, set: TableSet, component: number): void
  /** The bytes of the scan, the last one padded with ones. */
  finish(): Uint8Array
}

/** A writer for scans of up to three components. */
export function scanWriter(): ScanWriter {
  const out: number[] = []
  const lastDc = [0, 0, 0]
  let pending = 0
  let bits = 0

  function put(value: number, length: number): void {
    for (let i = length - 1; i >= 0; i--) {
      pending = (pending << 1) | ((value >> i) & 1)
      if (++bits === 8) {
        out.push(pending)
        // A 0xff in the scan is marked as data by a zero after it.
        if (pending === 0xff) out.push(0)
        pending = 0
        bits = 0
      }
    }
  }
  const symbol = ({ word, length }: Codes, value: number) => put(word[value]!, length[value]!)
  /** The low bits of a number of a size category; negative numbers in ones' complement. */
  const remainder = (value: number, size: number) => put(value < 0 ? value + (1 << size) - 1 : value, size)

  return {
    block(coefficients, set, component) {
      const { dc, ac } = codes[set]
      const difference = coefficients[0]! - lastDc[component]!
      lastDc[component] = coefficients[0]!
      symbol(dc, category(difference))
      remainder(difference, category(difference))
      let zeros = 0
      for (let k = 1; k < 64; k++) {
        const value = coefficients[k]!
        if (value === 0) {
          zeros++
          continue
        }
        for (; zeros > 15; zeros -= 16) symbol(ac, 0xf0)
        const size = category(value)
        symbol(ac, (zeros << 4) | size)
        remainder(value, size)
        zeros = 0
      }
      if (zeros > 0) symbol(ac, 0)
    },
    finish() {
      if (bits > 0) put(0x7f, 8 - bits)
      return Uint8Array.from(out)
    },
  }
}

/** Bits of |value|. */
function category(value: number): number {
  return 32 - Math.clz32(Math.abs(value))
}

/** Canonical codes: symbols in the order of the table, each code one more than the last, shifted when longer. */
function canonical(table: Uint8Array): Codes {
  const word = new Uint16Array(256)
  const length = new Uint8Array(256)
  let code = 0
  let at = 16
  for (let bits = 1; bits <= 16; bits++) {
    for (let i = 0; i < table[bits - 1]!; i++) {
      const value = table[at++]!
      word[value] = code++
      length[value] = bits
    }
    code <<= 1
  }
  return { word, length }
}

const codes: Readonly<Record<TableSet, { dc: Codes; ac: Codes }>> = {
  luminance: { dc: canonical(huffman.luminance.dc), ac: canonical(huffman.luminance.ac) },
  chrominance: { dc: canonical(huffman.chrominance.dc), ac: canonical(huffman.chrominance.ac) },
}
