// Child process of the resume test: measures four tiny splits, killing itself after as many progress events as told.

import { random, tensor } from '@ood/core'
import { vector } from '@ood/detect'
import { openFlow } from '@ood/models-flow'
import { openRun } from '@ood/run'
import { createBench } from '../common/bench.ts'
import { splitNames } from '../common/splits.ts'
import { measure, measuredOf } from '../likelihood-paradox/flow-study.ts'

const [folder = '', checkpoint = '', kill = ''] = process.argv.slice(2)
const N = 20
const flow = await openFlow(checkpoint, { workers: 0 })
const images = Object.fromEntries(
  splitNames.map((name) => {
    const rng = random(5).fork(name)
    const size = flow.dataShape.reduce((product, n) => product * n, N)
    return [
      name,
      tensor(
        Float32Array.from({ length: size }, () => rng.integer(256)),
        [N, ...flow.dataShape],
      ),
    ]
  }),
) as Parameters<typeof measure>[3]
const run = openRun({ folder, config: { test: 'resume' } })
let events = 0
const bench = createBench({
  run,
  seed: 3,
  signal: new AbortController().signal,
  onProgress: () => {
    events++
    if (kill !== '' && events === Number(kill)) process.kill(process.pid, 'SIGKILL')
  },
})
const measured = await measure(bench, 'tiny', flow, images)
for (const name of splitNames) {
  const { logProb, bitsPerDim, artifact } = measuredOf(measured[name])
  run.writeCsv(name, {
    logProb,
    bitsPerDim,
    png: vector(measured[name], '0.code.bits'),
    first: artifact.rotated.data.slice(0, N),
    last: artifact.diagonal.data.slice(-N),
  })
}
run.finish()
run.close()
await flow.release()
