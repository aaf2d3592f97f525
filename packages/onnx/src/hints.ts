// What error lines advise when something is known only at run time.

/** The expectation with the way to meet it. */
export const toBind = (expected: string): string => `${expected} (bindSizes fixes sizes and constant inputs)`
