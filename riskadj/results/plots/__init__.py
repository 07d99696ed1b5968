"""Charts of what people ask of scores, a module for each question; how they look is in `riskadj.charts`."""
