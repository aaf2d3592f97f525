// Child process of the ratio example's resume test: measures the stand-in pair, killing itself after so many events.
import { openRun } from '@ood/run'
import { createBench } from '../common/bench.ts'
import { measure, setNames } from '../likelihood-ratio/measure.ts'
import { standInImages, standInPair } from './stand-in-pair.ts'

const [folder = '', kill = ''] = process.argv.slice(2)
const run = openRun({ folder, config: { test: 'likelihood-ratio' } })
let events = 0
const onProgress = () => {
  events++
  if (kill !== '' && events === Number(kill)) process.kill(process.pid, 'SIGKILL')
}
const bench = createBench({ run, seed: 0, signal: new AbortController().signal, onProgress })
const sets = await measure(bench, 'tiny-fmnist', standInPair(), standInImages(21), 8)
for (const name of setNames) run.writeCsv(name, { ...sets[name] })
run.finish()
run.close()
