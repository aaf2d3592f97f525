// The plain likelihood as a method: what the others are compared with.
import { flatData, type LikelihoodModel, tensor } from '@ood/core'
import { array, describedBy, type LogProbSettings, logProbOf, type Method, vector } from '@ood/detect'
import { noFit } from '../internal/no-fit.ts'

/**
 * Scores -log p(x) in nats, features -log p(x_d | ...) where the model has them: the oldest novelty score (Bishop 1994),
 * and the one that fails on images of simpler data (Nalisnick et al. 2019, arXiv 1810.09136). -Infinity of log p scores
 * +Infinity. Nothing is fitted. Cost: one sweep of the model.
 *
 * @param model - gives log p
 * @param settings - further options of `model.logProb`, such as `{ space: 'model' }`
 * @throws OodError `E_ARGUMENT` for something that is no model
 * @example
 * const plain = detector(likelihood(flow))
 * await plain.inferThreshold(heldOutImages, 0.05)
 * const { data } = await plain.predict(images)
 */
export function likelihood(model: LikelihoodModel, settings: LogProbSettings = {}): Method<null> {
  const needs = { model: logProbOf(model, settings) }
  return {
    name: 'NegativeLogLikelihood',
    source: 'Bishop 1994',
    settings: { ...settings },
    models: { model },
    data: describedBy([model]),
    ...noFit,
    needs: () => needs,
    score: (columns) => vector(columns, 'model.logProb').map((value) => -value),
    featureScore(columns) {
      if (!columns['model.feature']) return null
      const map = array(columns, 'model.feature')
      return tensor(
        flatData(map).map((value) => -value),
        map.shape,
      )
    },
  }
}
