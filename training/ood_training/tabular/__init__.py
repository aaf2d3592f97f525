"""Flows and diffusions of points on manifolds with known dimension."""
