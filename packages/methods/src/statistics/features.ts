// Statistics of a classifier: the features before its last layer.

import type { FeatureClassifier } from '@ood/core'
import { array, featuresOf, type Statistic } from '@ood/detect'

/** All features as one statistic: a Gaussian over it is the Mahalanobis distance without classes. */
export function featureStatistic(classifier: FeatureClassifier): Statistic {
  return {
    name: 'classifier features',
    needs: { classifier: featuresOf(classifier) },
    values: (columns) => array(columns, 'classifier.features'),
  }
}
