// What an image decoder gives: 8-bit planes, grey or colour.

/** One image as planes: data[c * height * width + y * width + x]. */
export interface Planes {
  channels: 1 | 3
  height: number
  width: number
  data: Uint8Array
}
