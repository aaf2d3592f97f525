// Plausible data for every kind of chart: the shapes of the published figures, drawn from a seed.
import { normals, random, tensor } from '@ood/core'
import {
  calibrationPlot,
  confusionPlot,
  histogramPlot,
  imageGrid,
  lidCurvePlot,
  mapGrid,
  type PlotSpec,
  rocPlot,
  scatterPlot,
} from '../src/index.ts'

const splits = [
  { name: 'in_distr_train', label: 'Fashion-MNIST, training', logProb: [750, 110], lid: 160, s0: -2.6 },
  { name: 'in_distr_test', label: 'Fashion-MNIST, test', logProb: [735, 120], lid: 155, s0: -2.7 },
  { name: 'ood', label: 'MNIST, test', logProb: [1050, 60], lid: 90, s0: -3.6 },
  { name: 'generated', label: 'generated', logProb: [760, 90], lid: 165, s0: -2.5 },
] as const

const n = 128

/** Log-likelihoods like those of a flow trained on Fashion-MNIST. */
function logProb(split: (typeof splits)[number]): Float64Array {
  const [mean, deviation] = split.logProb
  return normals(random(1).fork(split.name), n).map((z) => mean + deviation * z)
}

export const scales: number[] = Array.from({ length: 50 }, (_, i) => -10 + (15 * i) / 49)

/** Curves falling from 784 to 0, at another scale for every split and image. */
function curves(split: (typeof splits)[number], count: number): Float64Array[] {
  const rng = random(2).fork(split.name)
  return Array.from({ length: count }, () => {
    const shift = split.s0 - 0.5 + 0.35 * rng.normal()
    return Float64Array.from(scales, (s) => Math.round(784 / (1 + Math.exp(1.9 * (s - shift)))))
  })
}

function rates(power: number): { fpr: number[]; tpr: number[] } {
  const fpr = Array.from({ length: 129 }, (_, i) => i / 128)
  return { fpr, tpr: fpr.map((p) => Math.round(p ** power * 128) / 128) }
}

const meanLid = scales.map((s) => 784 / (1 + Math.exp(1.9 * (s + 3.1))))

const digit = (i: number) =>
  Float32Array.from({ length: 784 }, (_, p) => {
    const [x, y] = [(p % 28) - 13.5, Math.floor(p / 28) - 13.5]
    return Math.max(0, 1 - Math.abs(Math.hypot(x, y * (1 + (i % 3) / 4)) - 5 - (i % 5)) / 2)
  })

function images(count: number, channels: 1 | 3) {
  const data = new Float32Array(count * channels * 784)
  for (let i = 0; i < count; i++) for (let c = 0; c < channels; c++) data.set(digit(i + c), (i * channels + c) * 784)
  return tensor(data, [count, channels, 28, 28])
}

/** Every chart with the longest texts that the demo gives it. */
export const charts: Readonly<Record<string, PlotSpec>> = {
  histogram: histogramPlot({
    title: 'A flow trained on Fashion-MNIST gives digits a higher likelihood than the clothes it was trained on',
    subtitle: '128 images a split, decoder flow-fmnist',
    xTitle: 'log-likelihood in logit space (nats)',
    series: splits.map((split) => ({ ...split, values: logProb(split) })),
  }),
  'histogram-outliers': histogramPlot({
    title: 'Three far values do not squeeze the rest',
    xTitle: 'log-likelihood (nats)',
    series: [
      { name: 'in_distr_test', values: logProb(splits[1]) },
      { name: 'ood', values: [...logProb(splits[2]), -50_000, -40_000, 90_000] },
    ],
  }),
  'histogram-marks': histogramPlot({
    title: 'Two thresholds',
    xTitle: 'likelihood ratio (nats)',
    series: [splits[1], splits[2]].map((split) => ({ ...split, values: logProb(split) })),
    marks: [
      { x: 900, label: 'threshold, mixed batch' },
      { x: 340, label: 'threshold, clean images' },
    ],
  }),
  confusion: confusionPlot({
    title: 'At the threshold of the mixed batch',
    subtitle: 'ratio below \u221296.7 nats is called OOD',
    labels: ['Fashion-MNIST', 'MNIST'],
    counts: [
      [9100, 900],
      [1100, 8900],
    ],
  }),
  'lid-curve': lidCurvePlot({
    title: 'Clothes fill more dimensions than digits over a wide range of scales',
    scales,
    series: splits.map((split) => ({ ...split, curves: curves(split, 32) })),
    samples: 5,
    marks: [{ scale: -2.1, label: 'chosen scale: \u22122.10' }],
    target: { lid: 222, label: 'lPCA of the training set: 222' },
  }),
  scatter: scatterPlot({
    title: 'Digits are likelier, but fill fewer dimensions: two thresholds separate them',
    subtitle: 'scale \u22122.10',
    series: splits.map((split) => ({
      ...split,
      x: logProb(split),
      y: normals(random(3).fork(split.name), n).map((z) => Math.round(split.lid + 14 * z)),
    })),
    thresholds: { x: 520, y: 124, xLabel: 'log-likelihood \u2265 520', yLabel: 'LID \u2265 124' },
  }),
  roc: rocPlot({
    title: 'One threshold, two thresholds, one fitted score',
    subtitle: 'Fashion-MNIST test against MNIST',
    curves: [
      { label: 'likelihood alone', auc: 0.291, ...rates(2.4) },
      { label: 'likelihood and LID, two thresholds', auc: 0.95, ...rates(0.06) },
      { label: 'fitted on training images', auc: 0.981, ...rates(0.02) },
    ],
  }),
  calibration: calibrationPlot({
    title: 'Where the four rules read the dimension of the training images',
    scales,
    meanLid,
    candidates: [
      { scale: -3, label: 'fixed' },
      { scale: -2.62, label: 'plateau' },
      { scale: -2.25, label: 'knee', chosen: true },
      { scale: -2.6, label: 'lPCA target' },
    ],
    target: { lid: 222, label: 'lPCA of the training set: 222' },
  }),
}

/** Image grids, which are SVG from the start. */
export const grids: Readonly<Record<string, string>> = {
  'image-grid': imageGrid({
    title: 'What the model has seen, and what it draws',
    groups: [
      { label: 'Fashion-MNIST, test', images: images(32, 1) },
      { label: 'generated', images: images(20, 1) },
    ],
  }),
  'map-grid': mapGrid({
    title: 'Where in the image the evidence lies',
    groups: [
      { label: 'Fashion-MNIST, test', rows: 2 },
      { label: 'MNIST, test', rows: 1 },
    ],
    notes: [['ratio 541', 'log p \u22121925'], [], ['ratio 205']],
    columns: [
      { label: 'image', maps: images(3, 1), colors: 'grey', domain: [0, 1] },
      { label: 'log-probability of a pixel', maps: images(3, 1), domain: [0, 0.5], bar: 'nats' },
      { label: 'ratio', maps: images(3, 1), colors: 'diverging', domain: [-1, 1], bar: 'nats' },
    ],
  }),
  'image-grid-rgb': imageGrid({ groups: [{ images: images(6, 3) }], columns: 3, zoom: 3 }),
}
