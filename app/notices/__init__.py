"""
What members are told by subscribe messages: every event once, when it has happened.

Owns the notices, what became of each, and how many a member has allowed. It decides nothing of the
shop, and nothing of the shop waits for it.
"""
