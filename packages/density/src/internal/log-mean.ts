// The logarithm of a mean of exponentials, kept while numbers arrive, with the standard error of the logarithm.

/** A running log mean exp: memory is three numbers, however many arrive. */
export interface LogMean {
  add(log: number): void
  /** ln of the mean of the exponentials so far; -Infinity when all are 0. */
  value(): number
  /** Standard error of `value` by the delta method: deviation of the exponentials over their mean and √n. NaN below 2. */
  standardError(): number
}

/** Starts an empty one. NaN is passed on: the caller knows which row it belongs to. */
export function logMean(): LogMean {
  let n = 0
  let largest = Number.NEGATIVE_INFINITY
  // Sums of exp(l - largest) and of its square.
  let sum = 0
  let squares = 0
  return {
    add(log) {
      n++
      if (log > largest) {
        const factor = Math.exp(largest - log)
        sum = largest === Number.NEGATIVE_INFINITY ? 0 : sum * factor
        squares = largest === Number.NEGATIVE_INFINITY ? 0 : squares * factor * factor
        largest = log
      }
      if (log === Number.NEGATIVE_INFINITY) return
      const share = Math.exp(log - largest)
      sum += share
      squares += share * share
    },
    value: () => (sum === 0 ? Number.NEGATIVE_INFINITY : largest + Math.log(sum / n)),
    standardError() {
      if (n < 2 || sum === 0) return Number.NaN
      const mean = sum / n
      const variance = Math.max(0, squares / n - mean * mean) * (n / (n - 1))
      return Math.sqrt(variance / n) / mean
    },
  }
}
