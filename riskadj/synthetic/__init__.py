"""A seeded, invented Medicare Advantage population to play, test and measure with."""

from riskadj.synthetic.extracts import make_synthetic

__all__ = ["make_synthetic"]
