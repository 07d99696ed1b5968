"""Excel workbooks whose live formulas recalculate to the library's own numbers."""
