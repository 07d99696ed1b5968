"""The individual and small-group markets: risk transfer, rating, premiums."""
