// The figures of a report: charts and pictures stand where they are shown, and are drawn and written from there.
import { type PlotSpec, type ReportBlock, type ReportFigure, renderSvg } from '@ood/plots'
import type { Run } from '@ood/run'

/** A figure to draw: a chart, or a picture that is SVG already. */
export interface Figure {
  /** Name of its file. */
  name: string
  draw: PlotSpec | string
  caption?: string
}

/** A figure of a report. */
export function figure(name: string, draw: PlotSpec | string, caption?: string): Figure {
  return { name, draw, ...(caption === undefined ? {} : { caption }) }
}

/** A block of a section; a list of figures is shown side by side, and what is undefined is left out. */
export type Block = ReportBlock | Figure | readonly Figure[] | undefined

/** A section of a report. */
export interface Section {
  heading: string
  /** Folder of the run that its figures are written to (default `figures`). */
  folder?: string
  blocks: readonly Block[]
}

/** Draws the figures of blocks and writes each as SVG, charts beside their Vega-Lite JSON. */
export async function drawBlocks(run: Run<unknown>, { folder = 'figures', blocks }: Section): Promise<ReportBlock[]> {
  const drawn: ReportBlock[] = []
  const drawOne = async ({ name, draw, caption }: Figure): Promise<ReportFigure> => {
    const svg = typeof draw === 'string' ? draw : await renderSvg(draw)
    if (typeof draw !== 'string') run.writeJson(`${folder}/${name}.vl.json`, draw)
    run.writeText(`${folder}/${name}.svg`, svg)
    return { svg, ...(caption === undefined ? {} : { caption }) }
  }
  for (const block of blocks) {
    if (block === undefined) continue
    if ('draw' in block) drawn.push(await drawOne(block))
    else if (Array.isArray(block)) {
      const figures: ReportFigure[] = []
      for (const figure of block as readonly Figure[]) figures.push(await drawOne(figure))
      drawn.push({ figures })
    } else drawn.push(block as ReportBlock)
  }
  return drawn
}
