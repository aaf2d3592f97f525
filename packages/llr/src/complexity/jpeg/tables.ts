// The example tables of the JPEG standard that encoders use by default (ITU-T T.81, annex K).

/** Natural (row-major) position of the k-th coefficient in zigzag order. */
export const zigzag: Uint8Array = zigzagOrder()

/** Quantisation steps at quality 50, row-major: luminance and chrominance (tables K.1 and K.2). */
const base = {
  luminance: [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
  ],
  chrominance: [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99,
  ],
} as const

/** Which of the two sets of tables a component uses. */
export type TableSet = keyof typeof base

/** Quantisation steps for a quality 1..100 by the rule of the Independent JPEG Group, row-major. */
export function quantisation(set: TableSet, quality: number): Uint8Array {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality
  return Uint8Array.from(base[set], (step) => Math.min(255, Math.max(1, Math.floor((step * scale + 50) / 100))))
}

/** Huffman tables as files hold them: numbers of codes of 1..16 bits, then the symbols (tables K.3 to K.6). */
export const huffman: Readonly<Record<TableSet, { dc: Uint8Array; ac: Uint8Array }>> = {
  luminance: {
    dc: bytes('00010501010101010100000000000000000102030405060708090a0b'),
    ac: bytes(
      '0002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a16' +
        '1718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788' +
        '898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8' +
        'e9eaf1f2f3f4f5f6f7f8f9fa',
    ),
  },
  chrominance: {
    dc: bytes('00030101010101010101010000000000000102030405060708090a0b'),
    ac: bytes(
      '00020102040403040705040400010277000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434' +
        'e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a8283848586' +
        '8788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7' +
        'e8e9eaf2f3f4f5f6f7f8f9fa',
    ),
  },
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}

/** Diagonals of an 8 x 8 block, alternately upwards and downwards (figure A.6). */
function zigzagOrder(): Uint8Array {
  const cells = Array.from({ length: 64 }, (_, i) => ({ i, row: i >> 3, column: i & 7 }))
  cells.sort((a, b) => {
    const diagonal = a.row + a.column
    const other = b.row + b.column
    if (diagonal !== other) return diagonal - other
    return diagonal % 2 === 0 ? b.row - a.row : a.row - b.row
  })
  return Uint8Array.from(cells, ({ i }) => i)
}
