"""
Bulk buys: their pages, their orders, and what goes back to whom when one has ended.

It owns no money and no price: the engine says which tier was reached and what each order is due,
payments carries it, orders keep what their lines cost in the end.
"""
