"""Yearly parameters of each program: data, no logic. `pricing.parameters` reads them."""
