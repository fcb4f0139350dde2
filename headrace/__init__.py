"""Headrace leads declared data to a model in production, and what production learned back to the data."""
