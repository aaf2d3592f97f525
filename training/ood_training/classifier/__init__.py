"""A small image classifier whose penultimate features densities are fitted to."""
