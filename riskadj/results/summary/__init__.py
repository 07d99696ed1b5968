"""Scores in few rows: broken down by columns, small cells hidden, a report to hand on."""
