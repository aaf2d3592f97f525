// The artifact of estimators without a scale, one LID a point, as a column.
import { flatData, type LidEstimator, tensor } from '@ood/core'

/** One LID a point as the column `lid`. */
export const lidColumn: NonNullable<LidEstimator<Float64Array>['columns']> = {
  names: ['lid'],
  pack: (lid) => ({ lid: tensor(lid, [lid.length]) }),
  unpack: ({ lid }) => flatData(lid!),
}
