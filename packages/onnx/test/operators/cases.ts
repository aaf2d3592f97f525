// Every operator that has a derivative, in small graphs: shared by the tests of both modes.
import type { Case } from './case.ts'
import { compositeCases } from './composite.cases.ts'
import { elementwiseCases } from './elementwise.cases.ts'
import { indexingCases } from './indexing.cases.ts'
import { layerCases } from './layer.cases.ts'
import { movementCases } from './movement.cases.ts'
import { reductionCases } from './reduction.cases.ts'
import { sequenceCases } from './sequence.cases.ts'
import { windowCases } from './window.cases.ts'

export { buildCase, type Case } from './case.ts'

export const operatorCases: readonly Case[] = [
  elementwiseCases,
  reductionCases,
  movementCases,
  indexingCases,
  layerCases,
  windowCases,
  compositeCases,
  sequenceCases,
].flat()
