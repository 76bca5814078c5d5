"""
The books of distribution as the merchant keeps them: who earned what, what is owed, each day's
trial balance, and files of all of it.

It owns no table and moves no money: the ledger is the engine's. It adds names, words and the days
of the shop.
"""
