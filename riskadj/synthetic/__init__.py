"""Seeded, invented populations to play, test and measure with: Medicare Advantage, and the ACA markets."""

from riskadj.synthetic.extracts import make_synthetic
from riskadj.synthetic.providers import with_providers

__all__ = ["make_synthetic", "with_providers"]
