// Public face of @ood/models-flow.
