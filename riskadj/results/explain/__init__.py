"""One member, line by line, and the diagnoses behind each line."""
