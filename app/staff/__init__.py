"""
Merchant staff: accounts, roles, and a log of everything they change that nobody can edit.

It knows no member and no order; the slices above ask it who may do what.
"""
