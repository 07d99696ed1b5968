"""The experience that a price starts from: exposure, incurred claims, IBNR, trend, credibility, pooling, risk."""
