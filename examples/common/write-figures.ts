// Writes the figures of a report: charts as SVG beside their Vega-Lite JSON, and pictures that are SVG already.

import { type PlotSpec, renderSvg } from '@ood/plots'
import type { Run } from '@ood/run'

/** Writes `charts` and `pictures` (those that are there) into `folder` of the run; returns every SVG by name. */
export async function writeFigures(
  run: Run<unknown>,
  folder: string,
  charts: Readonly<Record<string, PlotSpec>>,
  pictures: Readonly<Record<string, string | undefined>> = {},
): Promise<Record<string, string>> {
  const svg: Record<string, string> = {}
  for (const [name, spec] of Object.entries(charts)) {
    svg[name] = await renderSvg(spec)
    run.writeJson(`${folder}/${name}.vl.json`, spec)
  }
  for (const [name, picture] of Object.entries(pictures)) if (picture !== undefined) svg[name] = picture
  for (const [name, text] of Object.entries(svg)) run.writeText(`${folder}/${name}.svg`, text)
  return svg
}
