// Public face of @ood/llr.
export {}
