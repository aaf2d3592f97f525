// Times the kernels at n = 784: npx tsx --conditions=@ood/source packages/linalg/test/measure.ts
import {
  cholesky,
  gram,
  gramTridiagonal,
  luLogDet,
  matmul,
  sturmCount,
  tridiagonalEigenvalues,
  tridiagonalize,
  tridiagonalResolvent,
} from '@ood/linalg'
import { householderTridiagonalize } from '../src/internal/householder.ts'
import { draw, numbers } from './support.ts'

const n = 784
const next = numbers(1)
const J = draw(next, n * n)
const z = draw(next, n)
const G = gram(J, n, n)
const { diagonal, offDiagonal, rotated } = tridiagonalize(G, n, z)

/** Prints the first, the best and the median time, and the rate that `flops` makes of the best. */
function time(name: string, runs: number, flops: number, run: () => void): void {
  const all = Array.from({ length: runs }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  const sorted = [...all].sort((a, b) => a - b)
  const columns = [all[0]!, sorted[0]!, sorted[runs >> 1]!].map((ms) => ms.toFixed(2).padStart(9)).join('')
  console.log(`${name.padEnd(34)}${columns}${(flops / sorted[0]! / 1e6).toFixed(1).padStart(8)}`)
}

console.log(
  `${'n = 784'.padEnd(34)}${['first ms', 'best ms', 'median', 'GF/s'].map((x, i) => x.padStart(i < 3 ? 9 : 8)).join('')}`,
)
time('tridiagonalize', 20, (4 / 3) * n ** 3, () => tridiagonalize(G, n, z))
time('gram', 20, n ** 3, () => gram(J, n, n))
time('gramTridiagonal', 20, (7 / 3) * n ** 3, () => gramTridiagonal(J, n, n, z))
time('tridiagonalEigenvalues', 10, 0, () => tridiagonalEigenvalues(diagonal, offDiagonal))
time('100 sturmCount', 10, 0, () => {
  for (let i = 0; i < 100; i++) sturmCount(diagonal, offDiagonal, i)
})
time('100 tridiagonalResolvent', 10, 0, () => {
  for (let i = 0; i < 100; i++) tridiagonalResolvent(diagonal, offDiagonal, Math.exp(i / 5 - 10), rotated)
})
time('matmul', 10, 2 * n ** 3, () => matmul(J, G, n, n, n))
time('luLogDet', 10, (2 / 3) * n ** 3, () => luLogDet(J, n))
const positive = G.map((x, at) => (at % (n + 1) === 0 ? x + 1 : x))
time('cholesky', 10, n ** 3 / 3, () => cholesky(positive, n))
time('tridiagonalize, plain TypeScript', 3, (4 / 3) * n ** 3, () => {
  householderTridiagonalize(G.slice(), n, z.slice(), diagonal.slice(), offDiagonal.slice())
})
