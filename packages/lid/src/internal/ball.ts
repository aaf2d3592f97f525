// Volume of the unit ball in any (also fractional) dimension.
import { logGamma } from '@ood/core'

/** Stirling's series begins where it did when detectors were first stored: their scores stay the same to the last bit. */
const FROM = 10

/** log V_d = (d/2) log π - log Γ(d/2 + 1); dimensions below 0 count as 0. */
export function logBallVolume(dimension: number): number {
  const d = Math.max(0, dimension)
  return (d / 2) * Math.log(Math.PI) - logGamma(d / 2 + 1, FROM)
}
