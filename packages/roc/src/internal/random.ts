// Seeded uniform integers for the bootstrap (xoshiro128**, seeded by splitmix32), kept here so the package has no dependency.

/** A function that draws a uniform integer in 0..n-1; the bias is below n / 2^32. */
export function integerStream(seed: number): (n: number) => number {
  // Both halves of a safe integer take part, so seeds that differ by 2^32 give different streams.
  const next = splitmix32((seed | 0) ^ Math.imul(Math.floor(seed / 4294967296) | 0, 0x9e3779b1))
  let a = next()
  let b = next()
  let c = next()
  let d = next()
  return (n) => {
    const word = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotate(d, 11)
    return Math.floor((word / 4294967296) * n)
  }
}

function splitmix32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return z ^ (z >>> 15)
  }
}

function rotate(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k))
}
