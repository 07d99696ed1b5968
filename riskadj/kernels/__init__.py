"""Numba kernels: arrays in, arrays out; they know no Parquet and no tables."""
