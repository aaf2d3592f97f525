// Random numbers with density proportional to exp(-|g|^p), of which uniform points in Lp balls are made.
import type { Random } from '@ood/core'

/** One draw of the generalised normal distribution of order p, up to scale: |g|^p is Gamma(1/p, 1), the sign is fair. */
export function generalisedNormal(rng: Random, p: number): number {
  if (p === 2) return rng.normal() * Math.SQRT1_2
  const sign = rng.uniform() < 0.5 ? -1 : 1
  if (p === 1) return -sign * Math.log1p(-rng.uniform())
  return sign * gamma(rng, 1 / p) ** (1 / p)
}

/** Gamma(shape, 1) by Marsaglia and Tsang (2000); a shape below 1 by Gamma(shape + 1) u^(1/shape). */
function gamma(rng: Random, shape: number): number {
  if (shape < 1) return gamma(rng, shape + 1) * (1 - rng.uniform()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = rng.normal()
    const v = (1 + c * x) ** 3
    if (v <= 0) continue
    const u = 1 - rng.uniform()
    if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}
