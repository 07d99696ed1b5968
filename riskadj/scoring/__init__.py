"""From tables and extracts to payment risk scores."""
