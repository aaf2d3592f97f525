// Public face of @ood/cli.
