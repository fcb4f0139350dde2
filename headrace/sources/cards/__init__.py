"""Simulated card transactions: the published process of the fraud-detection handbook, a day at a time."""

from headrace.sources.cards.drift import Drift
from headrace.sources.cards.source import SimulatedCards

__all__ = ["Drift", "SimulatedCards"]
