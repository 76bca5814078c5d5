"""
The daily comparison of WeChat's bills with our books, to the fen.

It owns the bills as they were fetched, the sums of each day and every difference found. It moves no
money and changes no payment: what WeChat knows and we do not, it asks WeChat about, and the answer
goes in through the inbox like any other.
"""
