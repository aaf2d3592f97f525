// How many in-distribution test images a detector flags at a nominal 5 %: threshold from held-out training images.
import { parseArgs } from 'node:util'
import { rowCount, sliceRows } from '@ood/core'
import { loadDataset } from '@ood/datasets'
import { detector, fitMethod } from '@ood/detect'
import { byRole, createMeasurer, makeMethod, openModel } from '@ood/methods'
import { formatTable, progressBar, runMain } from '@ood/run'
import { checkpointPath } from '@ood/zoo'
import { sides } from './sets.ts'

await runMain(async (signal) => {
  const { values } = parseArgs({
    options: {
      'data-dir': { type: 'string', default: process.env.OOD_DATA_DIR ?? '' },
      methods: { type: 'string', default: 'recommended-cheap,recommended-middle' },
      fit: { type: 'string', default: '2048' },
      'held-out': { type: 'string', default: '2000' },
      test: { type: 'string', default: '10000' },
    },
  })
  const bar = progressBar(process.stderr)
  const rows: (string | number)[][] = [['trained on', 'method', 'test images', 'flagged', 's/image']]
  for (const { key, dataset } of sides) {
    const names = ['flow', 'flow-background', 'pixelcnn', 'pixelcnn-background', 'diffusion'].map((kind) => {
      const [model, background] = kind.split('-')
      return `${model}-${key}${background ? '-background' : ''}`
    })
    const opened = []
    for (const name of names) opened.push(await openModel(checkpointPath(name)))
    const models = byRole(opened)
    const load = async (split: 'train' | 'validation' | 'test', limit: number) =>
      (await loadDataset(dataset, { split, dataDir: values['data-dir'], limit, seed: 0 })).images
    const held = await load('validation', Number(values['held-out']))
    // Training rows without the held-out ones: those are the last of the file.
    const all = await loadDataset(dataset, {
      split: 'train',
      dataDir: values['data-dir'],
      limit: 2 * Number(values.fit),
      seed: 0,
    })
    const kept = [...all.indices].flatMap((row, i) => (row < 58_000 ? [i] : [])).slice(0, Number(values.fit))
    const train = sliceRows(
      (
        await loadDataset(dataset, {
          split: 'train',
          dataDir: values['data-dir'],
          indices: kept.map((i) => all.indices[i]!),
        })
      ).images,
      0,
      kept.length,
    )
    const test = await load('test', Number(values.test))
    const measurer = createMeasurer({ batchSize: 64, signal, onProgress: bar.update })
    for (const name of values.methods.split(',')) {
      const method = makeMethod(name, models)
      const { fit } = await fitMethod(method, (needs) => measurer.measure(needs, 'train', train))
      const found = detector({ ...method, initial: fit })
      await found.inferThreshold({ columns: await measurer.measure(method.needs(fit), 'held-out', held) }, 0.05)
      const { data } = await found.predict(
        { columns: await measurer.measure(method.needs(fit), 'test', test) },
        { returnFeatureScore: false },
      )
      const flagged = data.isOutlier!.reduce((sum, value) => sum + value, 0)
      rows.push([dataset, name, rowCount(test), flagged / rowCount(test), measurer.seconds(method.needs(fit))])
    }
    for (const { release } of opened) await release()
  }
  bar.stop()
  process.stdout.write(`${formatTable(rows)}\n`)
})
