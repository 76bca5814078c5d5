"""
What distributors share with: mini-program codes, kept for good, and what a poster shows.

It owns the pictures of codes and nothing else: who shares is `distributors`', what a product costs
is `storefront`'s. What a distributor earns is told to that distributor and is in no picture.
"""
