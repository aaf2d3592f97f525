// Inside a flow: latents as images, what couplings predict of the pixels they do not see, and how well.
import { concatRows, flatData, mean, type NdArray, rowCount, rowSize, sliceRows, tensor } from '@ood/core'
import { type Flow, latentImages, latentLayout, meanLatents, openCouplings } from '@ood/models-flow'
import { type MapColumn, mapGrid } from '@ood/plots'
import type { ImageSet } from './sets.ts'

/** Rows of each set in the pictures, and in the correlations. */
const SHOWN = 3
const COUNTED = 16
/** Noise draws of the averaged latents, as in the paper. */
const DRAWS = 40

/** What is seen of one flow, for the inside and the outside set. */
export interface Latents {
  picture: string
  /** Mean correlation of averaged |z| with the edges of its own image, and with those of another image of the set. */
  edges: Record<string, { own: number; another: number }>
}
export interface Maps {
  picture: string
  /** Correlation of -t of the first coupling with the pixels that it shifts. */
  prediction: Record<string, number>
}

/** Latents of the first images of both sets, at every scale. */
export async function latentsOf(flow: Flow, pair: readonly ImageSet[], seed: number): Promise<Latents> {
  const layout = latentLayout(flow.manifest)
  const edges: Latents['edges'] = {}
  const rows: { image: NdArray; one: NdArray; averaged: NdArray; scales: NdArray[] }[] = []
  for (const { name, images } of pair) {
    const x = first(images, COUNTED)
    const one = latentImages(await flow.encode(x, { seed }), layout)
    const averaged = latentImages(await meanLatents(flow, x, { draws: DRAWS, seed }), layout)
    edges[name] = edgeCorrelation(averaged.image, x)
    const scales = averaged.scales.map(({ image }) => first(image))
    rows.push({ image: first(x), one: first(one.image), averaged: first(averaged.image), scales })
  }
  const all = (of: (row: (typeof rows)[number]) => NdArray) => concatRows(rows.map(of))
  const latent = { colors: 'diverging', domain: [-3, 3], bar: 'z' } as const
  const columns: MapColumn[] = [
    { label: 'image', maps: all(({ image }) => image), colors: 'grey', domain: [0, 255] },
    { label: 'z, one draw', maps: all(({ one }) => one), ...latent },
    { label: `mean of ${DRAWS}`, maps: all(({ averaged }) => averaged), ...latent },
    ...(rows[0]!.scales.length > 1
      ? rows[0]!.scales.map((_, k) => ({ label: `scale ${k + 1}`, maps: all(({ scales }) => scales[k]!), ...latent }))
      : []),
  ]
  return { picture: mapGrid({ title: 'Latents in image layout', groups: groupsOf(pair), columns }), edges }
}

/** Maps of some couplings of both sets' first images. */
export async function mapsOf(
  flow: Flow,
  folder: string,
  title: string,
  pair: readonly ImageSet[],
  seed: number,
): Promise<Maps> {
  const inside = await openCouplings(folder)
  try {
    const known = inside.couplings.map(({ name }) => name)
    const names = [0, 1, known.length - 1].map((k) => known[k]!)
    const prediction: Maps['prediction'] = {}
    const of: NdArray[][] = []
    for (const { name, images } of pair) {
      const x = first(images, COUNTED)
      const maps = await inside.maps(x, { names, seed })
      prediction[name] = shiftCorrelation(maps[names[0]!]!.image!.t, await flow.preprocess(x, { seed }))
      const shown = names.flatMap((k) => [negated(first(maps[k]!.image!.t)), first(maps[k]!.image!.s)])
      of.push([first(x), ...shown])
    }
    const column = (k: number) => concatRows(of.map((row) => row[k]!))
    const colours = (k: number): Pick<MapColumn, 'colors' | 'domain' | 'bar'> => {
      const reach = Math.max(1e-6, ...flatData(column(k)).map(Math.abs))
      return { colors: 'diverging', domain: [-reach, reach], bar: k % 2 ? '\u2212t' : 's' }
    }
    const columns: MapColumn[] = [
      { label: 'image', maps: column(0), colors: 'grey', domain: [0, 255] },
      ...names.flatMap((name, i) =>
        ['\u2212t', 's'].map((map, j) => {
          const k = 1 + 2 * i + j
          return { label: `${map}, layer ${Number(name.split('.')[1]) + 1}`, maps: column(k), ...colours(k) }
        }),
      ),
    ]
    return { picture: mapGrid({ title, groups: groupsOf(pair), columns }), prediction }
  } finally {
    await inside.release()
  }
}

const first = (x: NdArray, count = SHOWN): NdArray => sliceRows(x, 0, Math.min(count, rowCount(x)))
const groupsOf = (pair: readonly ImageSet[]) =>
  pair.map(({ label, images }) => ({ label, rows: Math.min(SHOWN, rowCount(images)) }))

const negated = (x: NdArray): NdArray =>
  tensor(
    Float32Array.from(flatData(x), (value) => -value),
    x.shape,
  )

/** Averaged |z| against the edges of the own image and of the next one. */
function edgeCorrelation(z: NdArray, images: NdArray): { own: number; another: number } {
  const [n, d] = [rowCount(z), rowSize(z)]
  const [size, width] = [flatData(z).map(Math.abs), images.shape.at(-1)!]
  const pixels = flatData(images)
  const edges = pixels.map((value, i) => {
    const [x, y] = [i % width, Math.floor((i % d) / width)]
    const right = x + 1 < width ? pixels[i + 1]! - value : 0
    const below = (y + 1) * width < d ? pixels[i + width]! - value : 0
    return Math.abs(right) + Math.abs(below)
  })
  const row = (values: ArrayLike<number>, i: number) => Array.from(values).slice(i * d, (i + 1) * d)
  const meanOver = (shift: number) =>
    mean(Float64Array.from({ length: n }, (_, i) => correlation(row(size, i), row(edges, (i + shift) % n))))
  return { own: meanOver(0), another: meanOver(1) }
}

/** -t against what it is added to, wherever it is added. */
function shiftCorrelation(t: NdArray, v: NdArray): number {
  const shift = flatData(t)
  const at = Array.from(shift.keys()).filter((i) => shift[i] !== 0)
  const values = flatData(v)
  return correlation(
    at.map((i) => -shift[i]!),
    at.map((i) => values[i]!),
  )
}

/** Pearson's; 0 where one side is constant. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const [centreA, centreB] = [mean(Float64Array.from(a)), mean(Float64Array.from(b))]
  let [ab, aa, bb] = [0, 0, 0]
  for (const [i, value] of a.entries()) {
    const [u, v] = [value - centreA, b[i]! - centreB]
    ab += u * v
    aa += u * u
    bb += v * v
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0
}
