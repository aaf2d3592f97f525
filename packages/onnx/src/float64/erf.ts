// Polynomials for the error function in double precision.
//
// Interpolation at Chebyshev nodes computed with 50 digits, written in powers of u in [-1, 1], lowest first:
//   erf(x) / x at x^2 = (u + 1) / 2, 12 nodes: largest relative error 3.3e-16 over 0 < x < 1;
//   e^(z^2) erfc(z) at 1 / (z + 2) = low + (u + 1) / 2 (high - low), 16 nodes: 4.4e-15 over 1 <= z <= 6.5, where erfc
//   counts in erf = 1 - erfc with less than 0.16: 6.7e-17.

export const ERF_SMALL: readonly number[] = [
  0.9654687386698673, -0.1405360890227171, 0.019852496688984218, -0.0022854855611440855, 0.00021751715603563488,
  -1.75371694412802e-5, 1.2233827638093572e-6, -7.51156925108609e-8, 4.115751500265885e-9, -2.035231956483527e-10,
  9.21125018742823e-12, -3.80659122412214e-13,
]

export const ERF_TAIL: readonly number[] = [
  0.21576343811980278, 0.16481105434206514, 0.040697878889634394, 0.0061697115617758685, 0.00024269729805567427,
  -9.418227787549461e-5, -9.633643215105887e-6, 2.4607195723215683e-6, 2.4509158943983597e-7, -9.518746519681823e-8,
  -2.3134071817920794e-9, 4.000011328530811e-9, -3.408488792061838e-10, -1.3435465414299626e-10, 2.8739722910221433e-11,
  1.7268825593682113e-12,
]

/** 1 / (z + 2) at z = 6.5 and z = 1. */
export const ERF_TAIL_RANGE: readonly [number, number] = [1 / 8.5, 1 / 3]

export const ERF_TAIL_SHIFT = 2
