"""Findings as text, for people and tools. Pure: strings out, nothing written anywhere."""
