// The fit of methods that learn nothing.
import type { Method } from '@ood/detect'

/** Members of a method that learns nothing: it scores without `fit`. */
export const noFit: Pick<Method<null>, 'initial' | 'fit' | 'parseFit'> = {
  initial: null,
  fit: () => null,
  parseFit: () => null,
}
