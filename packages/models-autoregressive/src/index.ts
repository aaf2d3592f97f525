// Public face of @ood/models-autoregressive.
export {}
