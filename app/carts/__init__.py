"""
Carts: what a member means to buy. It owns wishes only: nothing in a
cart is held, and its prices promise nothing.
"""
