// What the quantized integer types hold.
import type { ElementType } from './types.ts'

/** Smallest and largest number of the integer types that numbers are quantized to. */
export const integerRanges: Partial<Record<ElementType, readonly [number, number]>> = {
  int2: [-2, 1],
  uint2: [0, 3],
  int4: [-8, 7],
  uint4: [0, 15],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
}
