// OOD sets made from images of the training distribution or from nothing: what a detector should not be surprised by.
import {
  assertBatch,
  flatData,
  mismatch,
  type NdArray,
  type Random,
  random,
  rowCount,
  tensor,
  unknownName,
} from '@ood/core'
import { blurred, byte, moved, type Picture, shuffled } from './pixels.ts'

/** Makes one image of the set from an image and another one of the same source. */
type Maker = (picture: Picture, rng: Random, other: Float32Array) => Float32Array

const each =
  (change: (value: number, rng: Random) => number): Maker =>
  ({ data }, rng) =>
    data.map((value) => byte(change(value, rng)))

/** A square with sides a third of the picture's, somewhere in its middle, in black. */
const cutOut: Maker = ({ data, height, width }, rng) => {
  const [h, w] = [Math.ceil(height / 3), Math.ceil(width / 3)]
  const top = Math.floor(height / 7) + rng.integer(Math.max(1, Math.ceil(height / 3)))
  const left = Math.floor(width / 7) + rng.integer(Math.max(1, Math.ceil(width / 3)))
  return data.map((value, at) => {
    const x = at % width
    const y = Math.floor(at / width) % height
    return y >= top && y < top + h && x >= left && x < left + w ? 0 : value
  })
}

/** Quarters of both sides, sixteen patches, in a random order; what is left over at the edges stays. */
const patchShuffle: Maker = (picture, rng) => {
  const { height, width } = picture
  const [h, w] = [Math.floor(height / 4), Math.floor(width / 4)]
  const order = shuffled(16, rng)
  return moved(picture, (y, x) => {
    if (y >= 4 * h || x >= 4 * w) return y * width + x
    const patch = order[Math.floor(y / h) * 4 + Math.floor(x / w)]!
    return (Math.floor(patch / 4) * h + (y % h)) * width + (patch % 4) * w + (x % w)
  })
}

const pixelShuffle: Maker = (picture, rng) => {
  const order = shuffled(picture.height * picture.width, rng)
  return moved(picture, (y, x) => order[y * picture.width + x]!)
}

const constant: Maker = ({ data, channels }, rng) => {
  const levels = Array.from({ length: channels }, () => rng.integer(256))
  return data.map((_, at) => levels[Math.floor((at * channels) / data.length)]!)
}

const saltPepper: Maker = ({ data }, rng) =>
  data.map((value) => (rng.uniform() < 0.05 ? (rng.uniform() < 0.5 ? 0 : 255) : value))

/** Name of a generated set. */
export type GeneratedName =
  | 'constant'
  | 'uniform-noise'
  | 'gaussian-noise'
  | 'noisy'
  | 'salt-pepper'
  | 'pixel-shuffle'
  | 'patch-shuffle'
  | 'blurred'
  | 'low-contrast'
  | 'inverted'
  | 'upside-down'
  | 'mirrored'
  | 'quarter-turn'
  | 'average'
  | 'cut-out'
  | 'halves'

const MAKERS: Readonly<Record<GeneratedName, Maker>> = {
  constant,
  'uniform-noise': each((_, rng) => rng.integer(256)),
  'gaussian-noise': each((_, rng) => 128 + 40 * rng.normal()),
  noisy: each((value, rng) => value + 20 * rng.normal()),
  'salt-pepper': saltPepper,
  'pixel-shuffle': pixelShuffle,
  'patch-shuffle': patchShuffle,
  blurred: (picture) => blurred(picture, 1.2),
  'low-contrast': each((value) => 0.4 * value),
  inverted: each((value) => 255 - value),
  'upside-down': (picture) => moved(picture, (y, x) => (picture.height - 1 - y) * picture.width + x),
  mirrored: (picture) => moved(picture, (y, x) => y * picture.width + picture.width - 1 - x),
  'quarter-turn': (picture) =>
    picture.height === picture.width
      ? moved(picture, (y, x) => x * picture.width + picture.width - 1 - y)
      : // A picture that is not square is turned by half.
        moved(picture, (y, x) => (picture.height - 1 - y) * picture.width + picture.width - 1 - x),
  average: ({ data }, _, other) => data.map((value, at) => byte((value + other[at]!) / 2)),
  'cut-out': cutOut,
  halves: ({ data, height, width }, _, other) =>
    data.map((value, at) => (Math.floor(at / width) % height < height / 2 ? value : other[at]!)),
}

/**
 * Names of the generated sets. Far from any images: `constant`, `uniform-noise`, `gaussian-noise`, `pixel-shuffle`,
 * `inverted`. Near the images they are made of: `noisy` (20 grey levels of noise), `salt-pepper` (5 % of the pixels),
 * `patch-shuffle` (16 patches), `blurred` (1.2 pixels), `low-contrast` (40 %), `upside-down`, `mirrored`,
 * `quarter-turn`, `average` (of two images), `cut-out` (a square in black), `halves` (top of one, bottom of another).
 */
export const generatedNames: readonly GeneratedName[] = Object.keys(MAKERS) as GeneratedName[]

/**
 * The generated set `name`, image i made from image i of `images` (and the next one, where two are mixed).
 *
 * Image i depends on the seed, its place and the images it is made of only.
 *
 * @param images - [N, C, H, W], bytes 0..255
 * @returns a batch of the same shape, whole numbers 0..255
 * @throws OodError `E_UNKNOWN_NAME`, `E_SHAPE` for other batches
 * @example
 * const ood = generatedSet('upside-down', testImages)
 */
export function generatedSet(
  name: GeneratedName,
  images: NdArray,
  { seed = 0 }: { seed?: number } = {},
): NdArray<Float32Array> {
  if (!Object.hasOwn(MAKERS, name)) throw unknownName('generated set', name, generatedNames)
  assertBatch('generatedSet images', images)
  if (images.shape.length !== 4) throw mismatch('E_SHAPE', 'generatedSet images', '[N, C, H, W]', images.shape)
  const [, channels, height, width] = images.shape as [number, number, number, number]
  const n = rowCount(images)
  const d = channels * height * width
  const source = Float32Array.from(flatData(images))
  const out = new Float32Array(n * d)
  const rng = random(seed).fork(`generated ${name}`)
  for (let i = 0; i < n; i++) {
    const row = (k: number): Float32Array => source.subarray(k * d, (k + 1) * d)
    out.set(MAKERS[name]({ data: row(i), channels, height, width }, rng.fork(i), row((i + 1) % n)), i * d)
  }
  return tensor(out, images.shape)
}
