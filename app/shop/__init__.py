"""
What the merchant has decided about the shop as a whole: days, hours, and how it deals with people.

It owns the versions of those decisions and who made them, and does nothing about any of them.
"""
