// Turns charts into SVG (through Vega, without a DOM or a canvas) and SVG into PNG (through an optional package).
import { OodError } from '@ood/core'
import type { Item } from 'vega'
import { escapeHtml } from './internal/escape.ts'
import { FONT } from './internal/frame.ts'
import { textWidth } from './internal/text-width.ts'
import type { PlotSpec } from './spec.ts'

/** Options of `renderSvg`. */
export interface RenderOptions {
  /** Gets what Vega-Lite or Vega warn of; without it warnings are dropped. */
  onWarning?: ((message: string) => void) | undefined
}

// Vega counts ids and keeps text metrics in module variables, so charts are rendered one after the other.
let queue: Promise<unknown> = Promise.resolve()

/**
 * Draws a Vega-Lite specification as SVG text. Equal specifications give equal text on every machine: text is measured
 * with built-in widths, ids count from zero, coordinates have two decimals.
 *
 * @returns one `<svg>` element with width, height, viewBox and an `aria-label` from the title
 * @throws OodError `E_ARGUMENT` when Vega cannot compile or draw the specification
 * @example
 * run.writeText('histogram.svg', await renderSvg(histogramPlot({ ... })))
 */
export function renderSvg(spec: PlotSpec, options: RenderOptions = {}): Promise<string> {
  const drawn = queue.then(() => draw(spec, options))
  queue = drawn.catch(() => {})
  return drawn
}

async function draw(spec: PlotSpec, { onWarning }: RenderOptions): Promise<string> {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  const { textMetrics } = vega as unknown as { textMetrics: { width: (item: Item, text: string) => number } }
  textMetrics.width = measure
  const logger = vega.logger(vega.Warn)
  const errors: string[] = []
  logger.warn = (...messages: readonly unknown[]) => {
    onWarning?.(messages.join(' '))
    return logger
  }
  logger.error = (...messages: readonly unknown[]) => {
    errors.push(messages.join(' '))
    return logger
  }
  try {
    const view = new vega.View(vega.parse(compile(spec, { logger }).spec), { renderer: 'none', logger })
    try {
      vega.resetSVGDefIds()
      const svg = await view.toSVG()
      if (errors.length > 0) throw new Error(errors.join('; '))
      return finish(svg, spec.description)
    } finally {
      view.finalize()
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new OodError('E_ARGUMENT', `renderSvg: expected a drawable specification, got ${reason}`, { cause })
  }
}

/** Vega asks for the width of an item's text, or of a line of it. */
function measure(item: Item, text: unknown): number {
  const { fontSize = 11, fontWeight } = item as { fontSize?: number; fontWeight?: string | number }
  return textWidth(
    text == null ? '' : String(text).trim(),
    fontSize,
    fontWeight === 'bold' || Number(fontWeight) >= 600,
  )
}

function finish(svg: string, description: string | undefined): string {
  // Only coordinates are rounded: text content and other attributes stay as they are.
  const rounded = svg.replace(
    / (d|transform|x|y|x1|x2|y1|y2|width|height)="([^"]*)"/g,
    (_, name: string, value: string) => {
      const short = value.replace(/-?\d*\.\d{3,}(e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2))))
      return ` ${name}="${short}"`
    },
  )
  const label = description ? ` role="img" aria-label="${escapeHtml(description)}"` : ''
  return rounded.replace('<svg ', `<svg${label} `)
}

/** Options of `renderPng`. */
export interface PngOptions {
  /** Pixels of the picture per pixel of the SVG (default 2, for sharp text). */
  scale?: number | undefined
}

/**
 * Draws SVG text as PNG bytes with the optional package `@resvg/resvg-js` and the fonts of the system.
 *
 * @throws OodError `E_UNSUPPORTED` when the package is not installed, `E_ARGUMENT` for text that is no SVG
 * @example
 * writeFileSync('histogram.png', await renderPng(await renderSvg(spec)))
 */
export async function renderPng(svg: string, { scale = 2 }: PngOptions = {}): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js').catch((cause: unknown) => {
    throw new OodError(
      'E_UNSUPPORTED',
      'renderPng: expected the optional package @resvg/resvg-js, got none (npm install @resvg/resvg-js)',
      { cause },
    )
  })
  try {
    const font = { loadSystemFonts: true, defaultFontFamily: FONT.split(',')[0]! }
    return new Resvg(svg, { fitTo: { mode: 'zoom', value: scale }, font }).render().asPng()
  } catch (cause) {
    throw new OodError('E_ARGUMENT', `renderPng: expected SVG text, got ${(cause as Error).message}`, { cause })
  }
}
