// The type of our charts: Vega-Lite specifications as plain JSON, with their data inside.
import type { TopLevelSpec } from 'vega-lite'

/** A complete Vega-Lite specification: plain JSON with inline data, ready for `renderSvg` or any Vega-Lite viewer. */
export type PlotSpec = TopLevelSpec

/** What every chart can be told about its frame. */
export interface PlotFrame {
  /** Says in plain words what the chart shows. */
  title?: string
  /** A line under the title: data set, number of images, scale ... */
  subtitle?: string
  /** Width of the inner rectangle in pixels. */
  width?: number
  /** Height of the inner rectangle in pixels. */
  height?: number
}
