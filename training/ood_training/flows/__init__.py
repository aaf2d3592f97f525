"""Normalizing flows with exact log-determinants (dgm spec 2.1)."""

from .config import FlowConfig, LevelConfig
from .multiscale import Flow

__all__ = ["Flow", "FlowConfig", "LevelConfig"]
