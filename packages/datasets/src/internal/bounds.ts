// Bounds that all readers share.

/** Most bytes a reader keeps unless told otherwise: enough for 200,000 colour images of 32 x 32 in float32. */
export const DEFAULT_MAX_BYTES: number = 2 ** 31

/** Deflate never shrinks data by more than this factor, so a header that claims more than it allows is a lie. */
export const MAX_DEFLATE_RATIO = 1032
