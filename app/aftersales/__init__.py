"""
After-sales: money back, returns and exchanges of pieces of an order; asked, decided, carried out.

It owns the case, its words, its parcels and its deadlines. It never counts money: orders knows what
may go back, payments brings it back.
"""
