"""
The HTTP face of binding: clicks, being bound, the merchant's rules, and what staff change.

It decides nothing about the tree: the engine does.
"""
