// Collects decoded images of one size into a float batch, resizing them on the way where asked.
import { mismatch, type NdArray, tensor } from '@ood/core'
import { checkedSize, planeResizer } from '../images/resize.ts'
import type { ImageOptions } from '../readers/image-options.ts'
import { DEFAULT_MAX_BYTES } from './bounds.ts'
import { decodeImage } from './decode-image.ts'

/** A batch under construction: memory is taken at the first image, when its size is known, and checked then. */
export class ImageStack {
  private readonly count: number
  private readonly options: ImageOptions
  private out: Float32Array = new Float32Array(0)
  private shape: readonly [number, number, number] | undefined
  private source: readonly [number, number] = [0, 0]
  private resize: ReturnType<typeof planeResizer> | undefined
  private next = 0

  constructor(count: number, options: ImageOptions) {
    this.count = count
    this.options = options
    if (options.size) checkedSize(options.size)
  }

  /** Decodes and appends one image; `name` is what errors call it. */
  add(bytes: Uint8Array, name: string): void {
    const { size, invert } = this.options
    const image = decodeImage(bytes, name, this.options.mode ?? 'rgb')
    const [height, width] = size ?? [image.height, image.width]
    this.shape ??= this.allocate([image.channels, height, width], name)
    if (this.shape[1] !== height || this.shape[2] !== width) {
      throw mismatch(
        'E_SHAPE',
        name,
        `${this.shape[1]} x ${this.shape[2]} like the first image`,
        `${height} x ${width}`,
      )
    }
    const plane = image.height * image.width
    const target = height * width
    for (let c = 0; c < image.channels; c++) {
      const from = image.data.subarray(c * plane, (c + 1) * plane)
      if (invert) for (let i = 0; i < plane; i++) from[i] = 255 - from[i]!
      const at = (this.next * image.channels + c) * target
      const to = this.out.subarray(at, at + target)
      if (image.height === height && image.width === width) to.set(from)
      else this.resizerFrom(image.height, image.width)(from, to)
    }
    this.next++
  }

  /** The batch [N, C, H, W]; without any image it is [0, C, H, W] of the size asked for. */
  finish(): NdArray<Float32Array> {
    const [height, width] = this.options.size ?? [0, 0]
    const empty: readonly number[] = [this.options.mode === 'greyscale' ? 1 : 3, height, width]
    const shape = this.shape ?? empty
    // Broken images that were left out leave room behind.
    const numbers = shape.reduce((product, n) => product * n, this.next)
    return tensor(this.out.subarray(0, numbers), [this.next, ...shape])
  }

  private allocate(shape: readonly [number, number, number], name: string): readonly [number, number, number] {
    const numbers = this.count * shape[0] * shape[1] * shape[2]
    const limit = this.options.maxBytes ?? DEFAULT_MAX_BYTES
    if (4 * numbers > limit) {
      const wanted = `${4 * numbers} bytes for ${this.count} images like ${name}`
      throw mismatch('E_ARGUMENT', 'image batch', `at most ${limit} bytes (read fewer rows or raise maxBytes)`, wanted)
    }
    this.out = new Float32Array(numbers)
    return shape
  }

  private resizerFrom(height: number, width: number): ReturnType<typeof planeResizer> {
    if (!this.resize || this.source[0] !== height || this.source[1] !== width) {
      this.source = [height, width]
      this.resize = planeResizer(this.source, this.options.size!)
    }
    return this.resize
  }
}
