// Model-free dimensions of the training sets, recorded because they need all 60,000 images and minutes of work.

/**
 * Mean pointwise local PCA dimension (alphaFO = 0.001, k = 1000 neighbours) of each training set, the target of the
 * 'lpca' scale rule. Kamkari et al. report 222.48 and 251.62 on about 4096 points; `lpca` of `@ood/lid` on the official
 * files gives the same within its standard error (docs/results.md).
 */
export const lpcaTarget: Record<'fashion-mnist' | 'mnist', number> = { 'fashion-mnist': 222.48, mnist: 251.62 }
