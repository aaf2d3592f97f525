// PNG (our own decoder) and JPEG (jpeg-js) bytes to 8-bit grey or colour planes, with sizes checked before decoding.

import { fileError } from '@ood/core/node'
import jpeg from 'jpeg-js'
import { luma } from '../images/greyscale.ts'
import { checkJpeg, MAX_JPEG_MEGABYTES } from './jpeg-bounds.ts'
import type { Planes } from './planes.ts'
import { decodePng, isPng, MAX_PIXELS } from './png.ts'

/** Decodes a PNG or JPEG (told by its first bytes); alpha is dropped, 16 bits become 8, as the references do. */
export function decodeImage(bytes: Uint8Array, name: string, mode: 'greyscale' | 'rgb'): Planes {
  if (isPng(bytes)) return decodePng(bytes, name, mode)
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpeg(bytes, name, mode)
  throw fileError(name, 'a PNG or JPEG image', `${bytes.length} bytes of something else`)
}

function decodeJpeg(bytes: Uint8Array, name: string, mode: 'greyscale' | 'rgb'): Planes {
  checkJpeg(bytes, name)
  const options = { useTArray: true, formatAsRGBA: false, tolerantDecoding: false } as const
  const bounds = { maxResolutionInMP: MAX_PIXELS / 1e6, maxMemoryUsageInMB: MAX_JPEG_MEGABYTES }
  try {
    const { width, height, data } = jpeg.decode(bytes, { ...options, ...bounds })
    return planesOf(width, height, data, mode)
  } catch (error) {
    throw fileError(name, 'a whole JPEG', error)
  }
}

function planesOf(width: number, height: number, data: Uint8Array, mode: 'greyscale' | 'rgb'): Planes {
  const size = width * height
  const out = new Uint8Array(mode === 'rgb' ? 3 * size : size)
  for (let i = 0; i < size; i++) {
    const [r, g, b] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!]
    if (mode === 'rgb') {
      out[i] = r
      out[size + i] = g
      out[2 * size + i] = b
    } else out[i] = luma(r, g, b)
  }
  return { channels: mode === 'rgb' ? 3 : 1, height, width, data: out }
}
