// A map of images with their local intrinsic dimension on it: model-free LID of each, beside a UMAP view of them all.

import { concatRows, flatData, type NdArray, random, rowCount, rowSize, tensor, throwIfAborted } from '@ood/core'
import { loadDataset, loadSample } from '@ood/datasets'
import { ess, findNeighbours, mle } from '@ood/lid'
import { htmlReport, renderSvg, scatterPlot } from '@ood/plots'
import { formatTable } from '@ood/run'
import { UMAP } from 'umap-js'
import { commonUsage, integer, parseCommon } from '../common/options.ts'
import { factsOfRun } from '../common/report-text.ts'
import { type DataSet, dataSetTitle, mean } from '../common/splits.ts'
import { withRun } from '../common/with-run.ts'

const usage = `npm run example -- lid-map [options]

Local intrinsic dimension of Fashion-MNIST and MNIST test images without any model, drawn on a UMAP of both.

${commonUsage('lid-map', 400)}  --neighbours K     neighbours of each image (default 20)
`

const sets: readonly DataSet[] = ['fashion-mnist', 'mnist']

/** Runs the example and writes runs/lid-map/. */
export async function main(argv: string[], signal: AbortSignal): Promise<void> {
  const parsed = parseCommon(argv, { name: 'lid-map', n: 400, extra: ['neighbours'] })
  if (!parsed) {
    process.stdout.write(usage)
    return
  }
  const { n, seed, dataDir, folder } = parsed.common
  const neighbours = integer('--neighbours', parsed.extra.neighbours ?? '20', 3)
  const config = { example: 'lid-map', n, seed, data: dataDir ?? 'packaged samples', neighbours }
  await withRun(folder, config, async (run, onProgress) => {
    const images: NdArray[] = []
    for (const set of sets) {
      const { images: found } = dataDir
        ? await loadDataset(set, { split: 'test', dataDir, limit: n, seed, signal })
        : await loadSample(set, 'test', { limit: n })
      images.push(
        tensor(
          Float32Array.from(flatData(found), (v) => v / 255),
          [rowCount(found), rowSize(found)],
        ),
      )
    }
    // Neighbours are looked for within each data set: a digit among clothes says nothing about digits.
    const lid = await run.step('lid', async () => {
      const columns: Record<string, Float64Array> = {}
      for (const [i, set] of sets.entries()) {
        const table = await findNeighbours(images[i]!, neighbours, { seed, signal })
        columns[`mle-${set}`] = (await mle(images[i]!, { neighbours: table })).lid
        columns[`ess-${set}`] = (await ess(images[i]!, { neighbours: table })).lid
      }
      return columns
    })
    const map = await run.step('umap', () => project(concatRows(images), seed, signal, onProgress))
    const methods = ['mle', 'ess'] as const
    const rows = sets.map((set) => [dataSetTitle[set], ...methods.map((m) => mean(lid[`${m}-${set}`]!).toFixed(1))])
    run.writeJson('summary.json', {
      ...config,
      lid: Object.fromEntries(
        sets.map((set) => [set, Object.fromEntries(methods.map((m) => [m, mean(lid[`${m}-${set}`]!)]))]),
      ),
    })
    const at = { x: (i: number) => map[2 * i]!, y: (i: number) => map[2 * i + 1]! }
    const bySet = sets.map((set, s) => {
      const first = s * rowCount(images[0]!)
      const count = rowCount(images[s]!)
      return {
        name: set,
        label: dataSetTitle[set],
        x: Float64Array.from({ length: count }, (_, i) => at.x(first + i)),
        y: Float64Array.from({ length: count }, (_, i) => at.y(first + i)),
      }
    })
    const axes = { xTitle: 'UMAP 1', yTitle: 'UMAP 2' }
    const plain = await renderSvg(scatterPlot({ title: 'Every image once', series: bySet, ...axes }))
    const all = Float64Array.from(sets.flatMap((set) => [...lid[`ess-${set}`]!]))
    const byLid = thirds(all).map(({ label, rows }, i) => ({
      name: `third-${i}`,
      label,
      x: Float64Array.from(rows, at.x),
      y: Float64Array.from(rows, at.y),
    }))
    const coloured = await renderSvg(
      scatterPlot({ title: 'The same map by local intrinsic dimension (ESS)', series: byLid, ...axes }),
    )
    run.writeText('figures/map.svg', plain)
    run.writeText('figures/map-lid.svg', coloured)
    const report = run.writeText(
      'report.html',
      htmlReport({
        title: 'Local intrinsic dimension without a model',
        facts: factsOfRun(run, {
          label: 'images',
          value: `${rowCount(images[0]!)} a data set, ${neighbours} neighbours each`,
        }),
        highlights: sets.map((set) => {
          const values = lid[`ess-${set}`]!
          return {
            value: mean(values).toFixed(1),
            label: `mean LID of ${dataSetTitle[set]} (ESS)`,
            note: `${intervalOfMean(values)}, n = ${values.length}`,
          }
        }),
        intro: `Each image's dimension is read off its ${neighbours} nearest images of the same set. Where the map is made of threads it is low, in the middle of clouds high.`,
        sections: [
          {
            heading: 'Map and dimension',
            blocks: [
              {
                figures: [
                  { svg: plain, caption: 'Images of both sets, laid out so that neighbours stay neighbours.' },
                  { svg: coloured, caption: 'Coloured by the lowest, middle and highest third of their dimensions.' },
                ],
              },
              {
                table: [
                  ['mean LID', 'MLE', '95 % interval', 'ESS', '95 % interval'],
                  ...sets.map((set) => [
                    dataSetTitle[set],
                    ...methods.flatMap((m) => {
                      const values = lid[`${m}-${set}`]!
                      return [mean(values).toFixed(1), intervalOfMean(values)]
                    }),
                  ]),
                ],
                caption:
                  'Intervals are those of the mean over the images (1.96 standard errors); neighbouring images share neighbours, so they are somewhat too narrow.',
              },
            ],
          },
        ],
        footer: `\`npm run example -- lid-map --n ${n} --seed ${seed} --neighbours ${neighbours}\`. UMAP distances between clusters mean little.`,
      }),
    )
    process.stdout.write(`${formatTable([['mean LID', 'MLE', 'ESS'], ...rows])}\n\nreport: ${report}\n`)
  })
}

/** 95 % interval of a mean, from the standard error over rows. */
function intervalOfMean(values: Float64Array): string {
  const centre = mean(values)
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1)
  const half = 1.96 * Math.sqrt(variance / values.length)
  return `${(centre - half).toFixed(1)} to ${(centre + half).toFixed(1)}`
}

/** UMAP in two dimensions, x y of each row in turn; the same for the same seed. */
async function project(
  points: NdArray,
  seed: number,
  signal: AbortSignal,
  onProgress: (progress: { done: number; total: number; label: string }) => void,
): Promise<Float64Array> {
  const data = flatData(points)
  const width = rowSize(points)
  const rng = random(seed).fork('umap')
  const umap = new UMAP({ nComponents: 2, nNeighbors: 15, minDist: 0.1, random: () => rng.uniform() })
  const epochs = umap.initializeFit(
    Array.from({ length: rowCount(points) }, (_, i) => Array.from(data.subarray(i * width, (i + 1) * width))),
  )
  for (let epoch = 0; epoch < epochs; epoch++) {
    umap.step()
    if (epoch % 20 !== 0) continue
    onProgress({ done: epoch, total: epochs, label: 'umap' })
    // Layout runs on this thread: let a Ctrl-C through.
    await new Promise((resolve) => setImmediate(resolve))
    throwIfAborted(signal, 'umap')
  }
  return Float64Array.from(umap.getEmbedding().flat())
}

/** Row numbers of the lowest, middle and highest third of some values, with their ranges. */
function thirds(values: Float64Array): { label: string; rows: number[] }[] {
  const order = Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!)
  return [0, 1, 2].map((third) => {
    const rows = order.slice((third * order.length) / 3, ((third + 1) * order.length) / 3)
    return { label: `LID ${values[rows[0]!]!.toFixed(1)} to ${values[rows.at(-1)!]!.toFixed(1)}`, rows }
  })
}
