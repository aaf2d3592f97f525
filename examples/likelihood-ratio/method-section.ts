// How the example is computed, in words.
import type { Section } from '../common/figures.ts'
import type { DirectionResult } from './evaluate.ts'

export function methodSection({ models }: DirectionResult): Section {
  const { kind } = models.semantic
  const model =
    kind === 'autoregressive'
      ? 'Both models are PixelCNN++: log p(x) is the sum over pixels of log p(pixel | pixels before it), each a mixture of logistics over the 256 grey levels. One evaluation of the network gives all pixels.'
      : 'Both models are normalizing flows: log p is that of the dequantised image, per grey level. Both see the same dequantisation noise, a function of the seed and the place of the image.'
  return {
    heading: 'How it is computed',
    blocks: [
      {
        text: [
          model,
          'The score is -(log p semantic - log p background) (Ren et al. 2019). The background model was trained on images whose pixels were replaced, with the probability in the table of models, by another grey level.',
          'Typicality is the distance of -log p from its mean over in-distribution images (Nalisnick et al. 2019). Input complexity is -log2 p minus the size of the smallest lossless PNG in bits (Serrà et al. 2020), a ratio whose background model is a compressor. "Background model alone" is -log p of the background model, for comparison.',
          'Thresholds and the mean of typicality come from training and validation images; the test images are only scored.',
        ].join('\n\n'),
      },
    ],
  }
}
