"""The commands of `riskadj`, one module each; whatever is heavy is imported when a command runs."""
