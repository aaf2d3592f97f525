// The figures of a report: charts and pictures stand where they are shown, and are drawn and written from there.
import { type PlotSpec, type ReportBlock, type ReportFigure, renderSvg, type WrittenBlock } from '@ood/plots'
import type { Run } from '@ood/run'

/** A figure to draw: a chart, or a picture that is SVG already. */
export interface Figure {
  /** Name of its file. */
  name: string
  draw: PlotSpec | string
  caption?: string
  /** Folder of the run that it is written to (default: its section's). */
  folder?: string
}

/** A figure of a report. */
export function figure(name: string, draw: PlotSpec | string, caption?: string): Figure {
  return { name, draw, ...(caption === undefined ? {} : { caption }) }
}

/** The figures of `folder`; those that are undefined stay so. */
export function inFolder<Name extends string>(
  folder: string,
  figures: Record<Name, Figure | undefined>,
): Record<Name, Figure | undefined> {
  const placed = Object.entries<Figure | undefined>(figures).map(([name, of]) => [name, of && { ...of, folder }])
  return Object.fromEntries(placed) as Record<Name, Figure | undefined>
}

/** A block of a section; a list of figures is shown side by side, and what is undefined is left out. */
export type Block = ReportBlock | WrittenBlock<Figure> | readonly Figure[] | undefined

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
  const drawOne = async ({ name, draw, caption, folder: own = folder }: Figure): Promise<ReportFigure> => {
    const svg = typeof draw === 'string' ? draw : await renderSvg(draw)
    if (typeof draw !== 'string') run.writeJson(`${own}/${name}.vl.json`, draw)
    run.writeText(`${own}/${name}.svg`, svg)
    return { svg, ...(caption === undefined ? {} : { caption }) }
  }
  for (const block of blocks) {
    if (block === undefined) continue
    const row = Array.isArray(block) ? block : 'figures' in block ? block.figures : undefined
    if (row) {
      const figures: ReportFigure[] = []
      for (const figure of row as readonly Figure[]) figures.push(await drawOne(figure))
      drawn.push({ figures })
    } else drawn.push('draw' in block ? await drawOne(block as Figure) : (block as ReportBlock))
  }
  return drawn
}
