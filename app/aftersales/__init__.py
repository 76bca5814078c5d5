"""
After-sales: a buyer asks for money back, staff decide, payments carries it.

It owns the case and its decision. It never counts money: orders knows what may go back, payments
brings it back.
"""
