"""Seeded, invented populations to play, test and measure with: Medicare Advantage, and the ACA markets."""

from riskadj.synthetic.extracts import make_synthetic
from riskadj.synthetic.marketplace import make_market

__all__ = ["make_market", "make_synthetic"]
