// Unknown options are refused by every public function that takes some, and the options of long calls by none of them.
import { type LikelihoodModel, type LogProb, tensor } from '@ood/core'
import { gaussianScore } from '@ood/models-diffusion'
import { describe, expect, it } from 'vitest'
import * as llr from '../src/index.ts'

const N = 4
const model = gaussianScore([0, 0], [1, 1])
const x = tensor(
  Float64Array.from({ length: 2 * N }, (_, i) => Math.sin(i)),
  [N, 2],
)
const bytes = tensor(
  Float64Array.from({ length: 4 * N }, (_, i) => (37 * i) % 256),
  [N, 1, 2, 2],
)
const likely: LikelihoodModel = { logProb: async () => ({ instance: new Float64Array(N) }) }
const logProb: LogProb = { instance: new Float64Array(N) }
const columns = { training: [1, 2], validation: [1, 2], size: 1 }

type Call = (options: never) => unknown
const call =
  (run: (options: never) => unknown, needed: object): Call =>
  (options) =>
    run({ ...needed, ...(options as object) } as never)

/** Functions that only settings reach. */
const settings: Record<string, Call> = {
  pngCodec: llr.pngCodec,
  jpegCodec: llr.jpegCodec,
  webpCodec: llr.webpCodec,
  jpeg2000Codec: llr.jpeg2000Codec,
  jpegXlCodec: llr.jpegXlCodec,
  codeLength: llr.codeLength,
  inputComplexity: (options) => llr.inputComplexity(likely, options),
  likelihoodRatio: call((options) => llr.likelihoodRatio(options), { semantic: likely, background: likely }),
  diffusionRatio: call((options) => llr.diffusionRatio(options), { model }),
  waic: (options) => llr.waic([likely, likely], options),
  ratioScores: (options) => llr.ratioScores(logProb, logProb, options),
  typicalBatch: call((options) => llr.typicalBatch(options), columns),
  lossRatio: call((options) => llr.lossRatio({} as never, options), { tFrac: 0.5 }),
  denoisingLosses: (options) => llr.denoisingLosses(model, x, options),
  averageLossTrend: (options) => llr.averageLossTrend(model, x, options),
  denoisingProfile: (options) => llr.denoisingProfile(model, x, options),
  denoisingProfileOf: (options) => llr.denoisingProfileOf(model, options),
}

/** Functions that are handed an object with call options. */
const long: Record<string, Call> = {
  complexity: (options) => llr.complexity(bytes, options),
  mutateCategorical: (options) => llr.mutateCategorical(bytes, options),
  mutateUniform: (options) => llr.mutateUniform(bytes, options),
  mutateRows: (options) => llr.mutateRows(bytes, (rows, given) => llr.mutateUniform(rows, given), options),
  'denoisingLosses call': (options) => llr.denoisingLosses(model, x, { probes: 12 }, options),
  'averageLossTrend call': (options) => llr.averageLossTrend(model, x, { points: 3 }, options),
  'denoisingProfile call': (options) => llr.denoisingProfile(model, x, { draws: 1 }, options),
  'codeLength measurement': (options) => llr.codeLength().measure(bytes, options),
  'denoisingProfileOf measurement': (options) => llr.denoisingProfileOf(model, { draws: 1 }).measure(x, options),
}

describe('options', () => {
  it.each(Object.entries({ ...settings, ...long }).filter(([name]) => name !== 'codeLength measurement'))(
    '%s refuses one it does not know',
    async (_, run) => {
      await expect((async () => run({ colour: 1 } as never))()).rejects.toMatchObject({
        code: 'E_ARGUMENT',
        message: expect.stringMatching(/: expected options .*, got colour$/),
      })
    },
  )

  it.each(Object.entries(long))('%s takes those of every long call', async (_, run) => {
    const rows = [3, 5, 8, 9]
    const common = { seed: 1, rows, signal: new AbortController().signal, batchSize: 8, onProgress: () => {} }
    await (async () => run(common as never))()
  })

  it.each([
    ['mutateUniform', () => llr.mutateUniform(bytes, { rates: 0.1 } as never), 'got rates (rate?)'],
    ['pngCodec', () => llr.pngCodec({ deflater: undefined } as never), 'got deflater (deflate?)'],
    ['lossRatio', () => llr.lossRatio({} as never, { tfrac: 0.5 } as never), 'got tfrac (tFrac?)'],
  ])('%s names the option that was meant', (_, run, message) => {
    expect(run).toThrow(message)
  })
})
