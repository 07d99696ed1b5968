"""Calibration: relative factors fitted to one's own enrollment, diagnoses and costs, with fit statistics and export."""
