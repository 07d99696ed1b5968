"""Tests of riskadj and pricing."""
