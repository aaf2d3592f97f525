"""LSTM models of genomes: a semantic and a background one make a likelihood ratio (spec llr 1.11)."""
