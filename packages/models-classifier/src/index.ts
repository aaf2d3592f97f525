// Public face of @ood/models-classifier.
export type { Classifier, ClassifierCallOptions } from './classifier.ts'
export { type ClassifierOptions, openClassifier } from './open-classifier.ts'
