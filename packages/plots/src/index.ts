// Public face of @ood/plots.
export { type CalibrationOptions, calibrationPlot } from './calibration.ts'
export { type ConfusionOptions, confusionPlot } from './confusion.ts'
export { type HistogramOptions, histogramPlot } from './histogram.ts'
export { type ImageGridOptions, type ImageGroup, imageGrid } from './image-grid.ts'
export { type LidCurveOptions, lidCurvePlot, type MarkedLid, type MarkedScale } from './lid-curve.ts'
export { type MapColumn, type MapGridOptions, mapGrid } from './map-grid.ts'
export { inlineMarkdown, markdown } from './markdown.ts'
export { type PngOptions, type RenderOptions, renderPng, renderSvg } from './render.ts'
export {
  htmlReport,
  type ReportBlock,
  type ReportCell,
  type ReportFact,
  type ReportFigure,
  type ReportHighlight,
  type ReportOptions,
  type ReportSection,
  type ReportTable,
} from './report.ts'
export { type RocCurve, type RocOptions, rocPlot } from './roc.ts'
export { type ScatterOptions, scatterPlot } from './scatter.ts'
export { type ShareOptions, shareText } from './share.ts'
export type { PlotFrame, PlotSpec } from './spec.ts'
export { type Series, type SeriesStyle, seriesStyle } from './splits.ts'
export { fillTemplate, type TemplateValues } from './template.ts'
export { type WrittenBlock, type WrittenReport, writtenReport } from './written-report.ts'
