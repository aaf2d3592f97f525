// Colours of numbers: piecewise linear ramps in sRGB.

/** How numbers become colours. */
export type ColorMap = 'grey' | 'sequential' | 'diverging'

type Rgb = readonly [number, number, number]

// Sequential: dark blue over green to yellow, rising in lightness (five stops of viridis). Diverging: the colours that
// out-of-distribution and training images have in the other charts, around white.
const stops: Readonly<Record<ColorMap, readonly Rgb[]>> = {
  grey: [
    [0, 0, 0],
    [255, 255, 255],
  ],
  sequential: [
    [68, 1, 84],
    [59, 82, 139],
    [33, 145, 140],
    [94, 201, 98],
    [253, 231, 37],
  ],
  diverging: [
    [213, 94, 0],
    [247, 247, 247],
    [0, 114, 178],
  ],
}

/** The colour at `share` of the way from the low to the high end; beyond the ends it is the end's. */
export function colorAt(map: ColorMap, share: number): [number, number, number] {
  const ramp = stops[map]
  const at = Math.min(1, Math.max(0, share)) * (ramp.length - 1)
  const low = Math.min(ramp.length - 2, Math.floor(at))
  const [a, b] = [ramp[low]!, ramp[low + 1]!]
  return [0, 1, 2].map((c) => Math.round(a[c]! + (b[c]! - a[c]!) * (at - low))) as [number, number, number]
}
