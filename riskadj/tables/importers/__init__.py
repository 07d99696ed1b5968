"""Readers of the shapes in which model tables are published, and the writer of a release folder.

Each reader turns one published shape into our canonical tables (a list of rows per table); none knows a
payment year, a model version or a category number.
"""
