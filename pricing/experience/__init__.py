"""The experience that a price starts from: completion of claims, credibility."""
