"""
The HTTP face of the commission engine `distribution/`: applying, sharing, earnings, team, rules.

It owns no table: the engine does. It adds words, names and products to the engine's numbers, and
never decides who earns what.
"""
