// FLIPD says once when its values are those of no density near data.
import { type ScoreModel, tensor } from '@ood/core'
import { describe, expect, it } from 'vitest'
import { flipd } from '../../src/index.ts'
import { gaussian, vp } from './models.ts'

/** A score whose Jacobian is `factor` times that of a standard normal: no density has it. */
function wrong(factor: number): ScoreModel {
  const model = gaussian(vp(), [0, 0, 0, 0], [1, 1, 1, 1])
  return {
    ...model,
    jvp: async (x, t, v, options) => {
      const { value, tangent } = await model.jvp(x, t, v, options)
      return {
        value,
        tangent: tensor(
          Float64Array.from(tangent.data, (each) => factor * each),
          tangent.shape,
        ),
      }
    },
  }
}

const origin = (rows: number) => tensor(new Float64Array(4 * rows), [rows, 4])

describe('flipd', () => {
  it('warns once, in one line, of values below 0', async () => {
    const lines: string[] = []
    const estimator = flipd(wrong(50), { onWarning: (line) => lines.push(line) })
    for (let i = 0; i < 3; i++) await estimator.at(origin(2), { t: 0.5 })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^flipd: 2 of 2 LIDs lie outside \[0, 4\] by more than their standard error, such as -\d+/)
    expect(lines[0]).not.toContain('\n')
  })

  it('warns of values above D, far from all data', async () => {
    const lines: string[] = []
    const far = tensor(new Float64Array(4).fill(30), [1, 4])
    const estimator = flipd(gaussian(vp(), [0, 0, 0, 0], [1, 1, 1, 1]), { onWarning: (line) => lines.push(line) })
    await estimator.at(far, { t: 0.5 })
    expect(lines).toEqual([expect.stringContaining('above 4 the point is far from all data')])
  })

  it('is silent within [0, D] and within the standard error', async () => {
    const lines: string[] = []
    const options = { onWarning: (line: string) => void lines.push(line) }
    const model = gaussian(vp(), [0, 0, 0, 0], [1, 1, 0, 0])
    await flipd(model, options).at(origin(3), { t: 0.5 })
    await flipd(model, options).prepare(origin(2))
    await flipd(model, { ...options, method: 'gaussian', probes: 3 }).at(origin(3), { t: 0.01 })
    expect(lines).toEqual([])
  })

  it('refuses options it does not know', () => {
    expect(() => flipd(gaussian(vp(), [0], [1]), { probe: 3 } as object)).toThrow('got probe (probes?)')
  })
})
