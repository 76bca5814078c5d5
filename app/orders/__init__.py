"""
Orders: what was bought, at which price and why, and where in its life the purchase is.

It owns the states and every fen of an order. It never talks to WeChat: payments does, and tells
orders what is true.
"""
