// Child process of the ratio example's resume test: measures the stand-in pair, killing itself after so many events.
import { openRun } from '@ood/run'
import { setNames } from '../likelihood-ratio/images.ts'
import { measure } from '../likelihood-ratio/measure.ts'
import { standInImages, standInPair } from './stand-in-pair.ts'

const [folder = '', kill = ''] = process.argv.slice(2)
const run = openRun({ folder, config: { test: 'likelihood-ratio' } })
let events = 0
const sets = await measure(run, {
  name: 'tiny-fmnist',
  pair: standInPair(),
  images: standInImages(21),
  seed: 0,
  signal: new AbortController().signal,
  onProgress: () => {
    events++
    if (kill !== '' && events === Number(kill)) process.kill(process.pid, 'SIGKILL')
  },
  batch: 8,
})
for (const name of setNames) run.writeCsv(name, { ...sets[name] })
run.finish()
run.close()
