"""
What the merchant asks of the past: what campaigns brought, what a draft would have cost, and why
an order cost what it did.

Reads every slice and writes nothing. Whatever it reads of orders is bounded, and it says where it
stopped.
"""
