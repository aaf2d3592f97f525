// AUC of likelihood, ratio and joint score of a PixelCNN++ pair against several OOD sets, for any number of backgrounds.
//
//   npm run bench:llr -- --data-dir DIR                              test images of both shipped pairs
//   npm run bench:llr -- --data-dir DIR --images FOLDER              also against the images of a folder, in grey
//   npm run bench:llr -- --data-dir DIR --split validation --background CHECKPOINT ...   candidates, without test images
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { mismatch, type NdArray, permutation, random } from '@ood/core'
import { listImages, loadDataset, readImageFolder } from '@ood/datasets'
import { fitWorst, worst } from '@ood/detect'
import { ratioScores } from '@ood/llr'
import { openPixelCnn } from '@ood/models-autoregressive'
import { auroc } from '@ood/roc'
import { formatTable, readWholeNumber, runMain } from '@ood/run'
import { checkpointPath } from '@ood/zoo'

/** Both data sets have 60,000 training images, of which the recipes keep the last 2,000 for validation. */
const VALIDATION = { from: 58_000, count: 2000 }

const DATA_SETS = ['fashion-mnist', 'mnist'] as const
type DataSet = (typeof DATA_SETS)[number]
const shortName: Record<DataSet, string> = { 'fashion-mnist': 'fmnist', mnist: 'mnist' }

interface Options {
  n: number
  seed: number
  dataDir: string
  split: 'validation' | 'test'
  /** Folder of further OOD images. */
  images: string | undefined
  /** Checkpoints of candidate background models of Fashion-MNIST; the shipped ones of both pairs when empty. */
  backgrounds: readonly string[]
}

function options(): Options {
  const { values } = parseArgs({
    options: {
      n: { type: 'string', default: '300' },
      seed: { type: 'string', default: '0' },
      'data-dir': { type: 'string' },
      split: { type: 'string', default: 'test' },
      images: { type: 'string' },
      background: { type: 'string', multiple: true, default: [] },
    },
  })
  const dataDir = values['data-dir'] ?? process.env.OOD_DATA_DIR
  if (!dataDir) throw mismatch('E_ARGUMENT', '--data-dir', 'the folder of the official files', undefined)
  const { split } = values
  if (split !== 'validation' && split !== 'test') throw mismatch('E_ARGUMENT', '--split', 'validation or test', split)
  const n = readWholeNumber('--n', values.n, 2)
  if (n > VALIDATION.count / 2) throw mismatch('E_ARGUMENT', '--n', `at most ${VALIDATION.count / 2}`, n)
  return {
    n,
    seed: readWholeNumber('--seed', values.seed, 0),
    dataDir,
    split,
    images: values.images,
    backgrounds: values.background,
  }
}

/** In-distribution images to fit the joint score on and to test, and the OOD sets by name. */
async function imagesOf(inside: DataSet, { n, seed, dataDir, split, images }: Options) {
  const outside = inside === 'mnist' ? 'fashion-mnist' : 'mnist'
  const held = Array.from(permutation(random(seed).fork(inside), VALIDATION.count), (row) => VALIDATION.from + row)
  const rows = (from: number) => loadDataset(inside, { split: 'train', dataDir, indices: held.slice(from, from + n) })
  const drawn = (name: string, part: 'train' | 'test') => loadDataset(name, { split: part, dataDir, limit: n, seed })
  // Candidates are judged on training images of the OOD sets, so that the test images stay unseen.
  const part = split === 'test' ? 'test' : 'train'
  const ood: Record<string, NdArray> = {
    [outside]: (await drawn(outside, part)).images,
    omniglot: (await drawn('omniglot', part)).images,
  }
  if (images !== undefined) {
    const count = (await listImages(images)).length
    const chosen = permutation(random(seed).fork('images'), count).slice(0, n)
    const folder = await readImageFolder(images, { mode: 'greyscale', size: [28, 28], rows: chosen })
    // Resizing leaves fractions; the models are of whole grey levels.
    for (let i = 0; i < folder.images.data.length; i++) folder.images.data[i] = Math.round(folder.images.data[i]!)
    ood[basename(images)] = folder.images
  }
  return {
    fit: (await rows(0)).images,
    inside: (split === 'test' ? await drawn(inside, 'test') : await rows(n)).images,
    ood,
  }
}

/** -log p of every set under the model in a folder. */
async function surprises(folder: string, sets: Record<string, NdArray>): Promise<Record<string, Float64Array>> {
  const model = await openPixelCnn(folder)
  try {
    const found: Record<string, Float64Array> = {}
    for (const [name, x] of Object.entries(sets)) found[name] = (await model.logProb(x)).instance.map((value) => -value)
    return found
  } finally {
    await model.release()
  }
}

await runMain(async () => {
  const call = options()
  const { backgrounds } = call
  const rows: (string | number)[][] = [
    ['trained on', 'background', 'against', 'log p alone', 'ratio', 'ratio or log p'],
  ]
  for (const inside of backgrounds.length > 0 ? (['fashion-mnist'] as const) : DATA_SETS) {
    const { fit, inside: normal, ood } = await imagesOf(inside, call)
    const sets = { ...ood, fit, normal }
    const plain = await surprises(checkpointPath(`pixelcnn-${shortName[inside]}`), sets)
    const shipped = [checkpointPath(`pixelcnn-${shortName[inside]}-background`)]
    for (const folder of backgrounds.length > 0 ? backgrounds : shipped) {
      const other = await surprises(folder, sets)
      const ratio = (name: string): Float64Array =>
        ratioScores({ instance: plain[name]!.map((v) => -v) }, { instance: other[name]!.map((v) => -v) }).instance
      const both = (name: string): Float64Array[] => [plain[name]!, ratio(name)]
      const spread = fitWorst(both('fit'))
      for (const name of Object.keys(ood)) {
        const aucs = [
          auroc(plain[name]!, plain.normal!),
          auroc(ratio(name), ratio('normal')),
          auroc(worst(both(name), spread), worst(both('normal'), spread)),
        ]
        rows.push([inside, basename(folder), name, ...aucs])
      }
    }
  }
  process.stdout.write(`${call.n} images a set, ${call.split} split\n${formatTable(rows)}\n`)
})
